/** The page's connection to the dashboard. The only file that knows Socket.IO. */

import { notice } from "./dom.js";
import { io } from "/static/node_modules/socket.io-client/dist/socket.io.esm.min.js";

/** @typedef {import("./keep.js").Store} Store */
/** @typedef {import("./types.js").Summary} Summary */
/** @typedef {(link: import("./store.js").Link, reason: string) => void} OnLink */

/**
 * Connect, follow the overview, and an instance if the page shows one.
 * @param {{instance?: string, store?: Store, onOverview: (instances: Summary[]) => void, onLink: OnLink, onPackets?: () => void}} options
 *   `onPackets`: packets of the instance were captured
 */
export function connect({ instance, store, onOverview, onLink, onPackets }) {
  const socket = io({ transports: ["websocket"], reconnectionDelay: 500, reconnectionDelayMax: 5000 });
  let known = false;
  let joined = 0;

  /** @type {OnLink} */
  const link = (state, reason) => {
    if (state === "refused") notice(reason);
    onLink(state, reason);
    store?.dispatch({ type: "link", link: state, reason });
  };

  function join() {
    if (!instance || !store) return;
    store.dispatch({ type: "joining" });
    joined = Date.now();
    socket.emit("join", known ? { instance, after: store.state.n } : { instance });
  }

  socket.on("connect", () => {
    socket.emit("overview", {});
    join();
    if (!instance) link("live", "");
  });
  // Refused, Socket.IO does not try again by itself.
  const lost = () => (socket.active ? link("reconnecting", "") : link("refused", "You are no longer joined here. Load the page again to join."));
  socket.on("disconnect", lost);
  socket.on("connect_error", lost);
  socket.on("overview", (message) => onOverview(message.instances));
  socket.on("refused", (message) => link("refused", message.message));
  if (!instance || !store) return;

  socket.on("snapshot", (message) => {
    if (message.instance !== instance) return;
    known = true;
    store.dispatch({ type: "snapshot", snapshot: message });
    link("live", "");
  });
  socket.on("frame", (message) => {
    if (message.instance !== instance) return;
    const change = store.dispatch({ type: "frame", frame: message });
    if (change.hole) setTimeout(join, Math.max(0, joined + 1000 - Date.now()));
  });
  socket.on("state", (message) => {
    if ((message.instance ?? message.id) === instance) store.dispatch({ type: "state", instance: message });
  });
  socket.on("request", (message) => {
    if (message.instance === instance) store.dispatch({ type: "request", request: message });
  });
  socket.on("packets", (message) => {
    if (message.instance === instance) onPackets?.();
  });
  socket.on("gone", (message) => {
    if (message.instance === instance) link("gone", "");
  });
}
