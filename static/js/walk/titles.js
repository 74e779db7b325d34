/** What stands above and in the place of a ladder: whose it is, where its packets are from, what to do while there is none. */

import { byId, el, write } from "../dom.js";
import { sourceWords, stateWords } from "./words.js";

/** @typedef {import("./model.js").Connection} Connection */

/** Datagrams have no end: after so long without one it is taken for over. */
const QUIET_S = 5;
const OVER = new Set(["closed", "reset", "refused"]);

/** @param {Connection|null} shown @param {string} upload the file's name */
export function nameLadder(shown, upload) {
  const origin = byId("origin");
  write(byId("ladder-title"), shown ? `${shown.person ? `${shown.person}: ` : ""}${shown.client} → ${shown.server}` : "Ladder");
  write(origin, shown ? sourceWords(shown.source, upload, shown.transport) : "");
  origin.hidden = !shown;
  origin.dataset.source = shown?.source ?? "";
}

/** What is to be known of a ladder that was worked out; "": it was not. @param {string} words */
export function sayRebuilt(words) {
  const place = byId("rebuilt");
  place.hidden = !words;
  write(place, words);
}

/** @param {number} known connections @param {import("../types.js").Instance|null} instance @param {boolean} teacher */
export function showEmpty(known, instance, teacher) {
  const place = byId("ladder-empty");
  place.hidden = known > 0;
  const none = withoutPackets(instance);
  const start = none ? "" : instance?.state === "running" ? `press the button above, or connect a program of your own to ${instance.address}` : teacher ? "start the server on its page" : "the teacher can start the server";
  write(place, `${none || `No connections yet: ${start}.`}${teacher ? " Or drop a capture file here." : ""}`);
}

/** Why a server has no packets at all; "" if it has. @param {import("../types.js").Instance|null} instance */
export function withoutPackets(instance) {
  return instance?.address.startsWith("unix:") ? "A Unix-domain socket has no packets." : "";
}

/** Whether packets may still come. @param {Connection} connection */
export function isLive(connection) {
  if (connection.source === "upload") return false;
  return connection.transport === "udp" ? Date.now() / 1000 - (connection.ended ?? 0) < QUIET_S : !OVER.has(stateWords(connection));
}

export function followButton() {
  return el("button", { type: "button", class: "follow primary", hidden: true }, "Follow");
}
