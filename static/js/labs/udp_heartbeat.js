/** The heartbeat lab's picture: a timeline per client, live, and one-way delay above the smallest. */

import { timed } from "../chartbase.js";
import { isMine } from "../command.js";
import { el, fill, say, write } from "../dom.js";
import { clock, milliseconds, number } from "../format.js";
import { personOf } from "../people.js";
import { inTerminal } from "../reach.js";
import { createDelayChart } from "./udp_heartbeat/chart.js";
import { order, sessionOf, startByHand } from "./udp_heartbeat/hands.js";
import { createLanes } from "./udp_heartbeat/lanes.js";
import { Model } from "./udp_heartbeat/model.js";
import { createTables } from "./udp_heartbeat/tables.js";
import { negativeWords } from "./udp_heartbeat/words.js";

export { sessionAnswer } from "./udp_heartbeat/hands.js";

/** @typedef {import("../keep.js").PageState} PageState */
/** @typedef {import("./udp_heartbeat/client.js").Client} Client */

const WINDOWS = /** @type {[string, number][]} */ ([["1 min", 60], ["5 min", 300], ["all", Infinity]]);
const HINT = "Tick: a heartbeat, the taller, the longer it was on its way above the quickest. Hollow: late. Cross: its number is missing. Two close together: a copy. Hook: overtaken. Band below: plain alive, dotted lost, slanted late, crossed dead.";
const CAVEAT = "Only what lies above the smallest delay is true with two clocks. The delay itself is arrival less TIME, read from two clocks: it is as wrong as they differ.";
/** Milliseconds between two looks at words and tables. */
const WORDS_MS = 250;

/** @param {HTMLElement} element @param {import("../keep.js").Store} store @param {import("../types.js").Page} page */
export function picture(element, store, page) {
  const model = new Model();
  const own = (/** @type {Client} */ client) => store.state.requests.some((request) => request.id === client.request && isMine(request, page));
  const name = (/** @type {Client} */ client) => [own(client) ? "" : personOf(store.state, client.peer), client.number ? `client ${client.number}` : ""].filter(Boolean).join(", ") || client.peer;
  const about = (/** @type {Client} */ client) => (name(client) === client.peer ? "" : client.peer);
  const readout = el("p", { class: "readout", "aria-live": "polite" });
  const plot = el("div", { class: "plot", role: "img", "aria-label": "Chart: one-way delay of each heartbeat above the client's smallest. The tables below have the numbers." });
  const scale = el("p", { class: "help" });
  const warning = el("p", { class: "negative", role: "status" });
  const buttons = WINDOWS.map(([words, seconds]) => el("button", { type: "button", "aria-pressed": String(seconds === 60), onclick: () => choose(seconds) }, words));
  const living = el("button", { type: "button", class: "quiet", "aria-pressed": "false", hidden: true });
  const three = el("button", { type: "button", title: "Opens a session: silence, unplug, wake and restart each with its buttons" }, "Three clients by hand");
  living.addEventListener("click", () => {
    living.setAttribute("aria-pressed", String(living.getAttribute("aria-pressed") !== "true"));
    worded = -Infinity;
    plan();
  });
  three.addEventListener("click", startByHand);
  let span = 60;
  let skew = 0;
  /** @type {number|null} */
  let heldAt = null;
  let asked = 0;
  let drawnAt = -Infinity;
  let worded = -Infinity;
  let dirty = true;

  const lanes = createLanes(model, {
    name, about, plan,
    mine: (client) => client.number > 0 && client.request !== "" && client.request === sessionOf(store.state, page),
    read: (words) => write(readout, words || idle()),
    tell: (text) => order(sessionOf(store.state, page), text),
  });
  const chart = createDelayChart(plot, () => model.lanes().filter((client) => client.beats.length > 0));
  const tables = createTables(model, (peer) => {
    const client = model.clients.get(peer);
    return client ? name(client) : peer;
  });
  fill(
    element,
    el("div", { class: "headline" }, el("h2", {}, "Who lives"), three, living, el("span", { class: "segments", role: "group", "aria-label": "Time shown" }, ...buttons)),
    lanes.element, el("div", { class: "underline" }, scale, readout), el("p", { class: "help key" }, HINT),
    el("h3", {}, "One-way delay above each client's smallest"), plot, el("p", { class: "help" }, CAVEAT), warning, ...tables.elements,
  );

  const idle = () => (store.state.paused ? "paused" : !runs() && model.clients.size ? `the server does not run: as it was at ${clock(model.last, 0)}` : "");
  const runs = () => store.state.instance?.state === "running";
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  /** @param {number} seconds */
  function choose(seconds) {
    span = seconds;
    for (const [place, button] of buttons.entries()) button.setAttribute("aria-pressed", String(WINDOWS[place][1] === seconds));
    plan();
  }
  function plan() {
    dirty = true;
    asked ||= requestAnimationFrame(frame);
  }
  /** The moment at the right edge. */
  function now() {
    if (!lanes.held && !store.state.paused) heldAt = null;
    else heldAt ??= present();
    return heldAt ?? present();
  }
  const present = () => (runs() ? Math.max(Date.now() / 1000 + skew, model.last || 0) : model.last || Date.now() / 1000);
  /** @param {number} at @returns {[number, number]} */
  const range = (at) => [Number.isFinite(span) ? at - span : Math.min(at - 5, (model.first || at) - 1), at];

  /** How long until the picture has moved by half a pixel. */
  function pace() {
    if (still()) return 1000;
    const [from, to] = range(now());
    return Math.min(200, Math.max(15, (500 * (to - from)) / Math.max(1, lanes.width)));
  }
  /** @param {number} stamp */
  function frame(stamp) {
    asked = 0;
    const due = stamp - drawnAt >= (still() ? 1000 : dirty ? 15 : pace());
    if (due) {
      drawnAt = stamp;
      dirty = false;
      draw(stamp);
    }
    const moves = runs() && model.clients.size > 0 && heldAt === null;
    if (!asked && (moves || dirty)) asked = still() ? again(250) : requestAnimationFrame(frame);
  }
  /** @param {number} ms */
  function again(ms) {
    setTimeout(() => {
      asked = requestAnimationFrame(frame);
    }, ms);
    return -1;
  }
  /** @param {number} stamp */
  function draw(stamp) {
    const at = now();
    if (stamp - worded >= WORDS_MS) {
      worded = stamp;
      tell(at);
    }
    timed(() => {
      const top = lanes.draw(range(at));
      write(scale, model.clients.size ? `A full tick is ${milliseconds(top)} above the smallest.` : "");
      chart.update(range(at));
    });
  }
  /** @param {number} at */
  function tell(at) {
    const dead = [...model.clients.values()].filter((client) => !client.lives).length;
    living.hidden = dead === 0;
    write(living, living.getAttribute("aria-pressed") === "true" ? `Show the others (${dead})` : `Only the living`);
    three.hidden = sessionOf(store.state, page) !== "" || !runs();
    lanes.empty(model.clients.size ? "" : emptyWords(store.state, page));
    lanes.update(at, living.getAttribute("aria-pressed") === "true");
    write(warning, negativeWords([...model.clients.values()]));
    tables.update(at);
  }

  store.subscribe((state, change) => {
    if (change.replaced) model.clear();
    const latest = change.type === "frame" ? state.seconds.at(-1)?.[0] : undefined;
    if (latest) skew = Math.max(latest - Date.now() / 1000, skew ? skew - 0.001 : -Infinity);
    const touched = change.marks.length > 0 && model.add(change.marks);
    if (change.type === "frame") for (const event of change.events) announce(event, name, model);
    if (touched || change.replaced || change.type !== "frame") {
      if (change.type !== "frame") worded = -Infinity;
      if (change.type !== "frame" && !lanes.held) write(readout, idle());
      plan();
    }
  });
  document.addEventListener("look", () => {
    chart.make();
    plan();
  });
  new ResizeObserver(plan).observe(lanes.element);
  plan();
  Object.assign(window, { socketLab: { drawn: lanes.drawn, clients: () => [...model.clients.values()] } });
  return {
    model,
    /** @param {import("../types.js").Request} request */
    progress(request) {
      return { done: model.counted(request.id), total: Number(request.arguments.count ?? 0) * Number(request.arguments.clients ?? 1) };
    },
  };
}

/** Dead and back are spoken. @param {import("../types.js").Event} event @param {(client: Client) => string} name @param {Model} model */
function announce({ kind, state, peer = "" }, name, model) {
  const client = kind === "heartbeat_state" && (state === "dead" || state === "back") && model.clients.get(peer);
  if (client) say(`${name(client)} is ${state}`);
}

/** What is lost of all that was sent. @param {PageState} state */
export function tiles(state) {
  const { received = 0, lost = 0, duplicates = 0 } = state.counters;
  const sent = received - duplicates + lost;
  return [{ name: "loss", title: "Lost on the way", value: sent > 0 ? number((100 * lost) / sent) : "–", unit: sent > 0 ? "%" : "" }];
}

/** @param {import("../types.js").Request} request */
export function resultSummary({ result }) {
  return result?.summary ? el("p", { class: "outcome" }, String(result.summary)) : null;
}

/** The titles of the senders' columns. */
export const columns = { client: "Client", peer: "Its address", sent: "Sent", skipped: "Lost on purpose", copies: "Sent twice", last: "Last SEQ" };

/** @param {PageState} state @param {import("../types.js").Page} page */
function emptyWords({ instance }, page) {
  if (instance?.state !== "running") return page.me?.role === "teacher" ? "No heartbeats yet. Start the server, then send some." : "No heartbeats yet, and the server is not running.";
  return `No heartbeats yet: press a button above, or ${inTerminal(instance, page, location.hostname)}`;
}
