/** The web lab's picture: the server's connections as they come and go, and the requests on each. */

import { timed } from "../chartbase.js";
import { el, fill, write } from "../dom.js";
import { clock, count, milliseconds, number, plural, size } from "../format.js";
import { personOf } from "../people.js";
import { inTerminal } from "../reach.js";
import { drawRows } from "./http_web/draw.js";
import { exchangeDetails, exchangeSummary } from "./http_web/exchange.js";
import { Model } from "./http_web/model.js";

/** @typedef {import("../types.js").Request} Request */
/** @typedef {import("../keep.js").PageState} PageState */

const WINDOWS = /** @type {[string, number][]} */ ([["10 s", 10], ["1 min", 60], ["5 min", 300]]);
const ROWS = 14;
const LISTED = 100;
const HINT = "A row is a connection, from its opening to the stroke at its end. Low: 3xx. Middle: 2xx. High: 4xx. Full: 5xx. Dashed: still waits for its answer.";
const LEGEND = /** @type {[string, string][]} */ ([["c2", "2xx"], ["c3", "3xx"], ["c4", "4xx"], ["c5", "5xx"]]);

/** @param {HTMLElement} element @param {import("../keep.js").Store} store @param {import("../types.js").Page} page */
export function picture(element, store, page) {
  const model = new Model();
  /** @type {Map<string, {done: number, total: number|null}>} */
  const downloads = new Map();
  const canvas = el("canvas", { class: "timelines", role: "img", "aria-label": "Timelines of the server's connections and requests. The table below has the newest requests." });
  const empty = el("p", { class: "empty over" });
  const figures = el("p", { class: "figures" });
  const readout = el("p", { class: "readout", "aria-live": "off" });
  const body = el("tbody");
  const heads = ["Time", "Connection", "Who", "Request", "Status", "Took", "Body"].map((words) => el("th", { scope: "col" }, words));
  const table = el("details", { class: "more asks" }, el("summary", {}, "The newest requests as a table"), el("div", { class: "scroll" }, el("table", { class: "grid" }, el("thead", {}, el("tr", {}, ...heads)), body)));
  const legend = el("div", { class: "legend" }, ...LEGEND.map(([name, words]) => el("span", { class: "entry" }, el("i", { class: name }), words)));
  const buttons = WINDOWS.map(([words, seconds]) => el("button", { type: "button", "aria-pressed": String(seconds === 10), onclick: () => choose(seconds) }, words));
  fill(
    element,
    el("div", { class: "headline" }, el("h2", {}, "Connections and requests"), el("span", { class: "segments", role: "group", "aria-label": "Time shown" }, ...buttons)),
    el("div", { class: "stage" }, canvas, empty), el("div", { class: "underline" }, figures, readout), legend, el("p", { class: "help key" }, HINT), table,
  );
  let span = 10;
  let asked = 0;
  let timer = 0;
  let ahead = Infinity;
  let held = false;
  /** @type {import("./http_web/draw.js").Spot[]} */
  let spots = [];

  /** @param {number} seconds */
  function choose(seconds) {
    span = seconds;
    for (const [place, button] of buttons.entries()) button.setAttribute("aria-pressed", String(WINDOWS[place][1] === seconds));
    plan();
  }
  const running = () => store.state.instance?.state === "running";
  const moving = () => running() && model.open && !store.state.paused && !held;
  /** The server's clock, as far as it is known: the browser's less how far that is ahead. */
  const now = () => (moving() || (running() && model.open) ? Math.max(model.last, Date.now() / 1000 - (ahead === Infinity ? 0 : ahead)) : model.last + 0.02 * span);
  const who = (/** @type {import("./http_web/model.js").Conn} */ conn) => personOf(store.state, conn.peer) || conn.peer;

  function plan() {
    asked ||= requestAnimationFrame(draw);
  }
  function draw() {
    asked = 0;
    const end = model.last ? now() : Date.now() / 1000;
    const range = /** @type {[number, number]} */ ([end - span, end]);
    timed(() => {
      spots = drawRows(canvas, model.rows(ROWS, ...range), range, running() ? end : model.last, (conn) => `${conn.name} ${who(conn)}`, ROWS);
    });
    empty.hidden = model.connections.length > 0;
    write(empty, emptyWords(store.state, page));
    const { rate, median, most, count: known } = model.numbers(end);
    write(figures, known ? `${number(rate)} requests/s · median ${milliseconds(median)} · 95 of 100 within ${milliseconds(most)}` : "");
    if (!held) write(readout, store.state.paused ? "paused" : "");
    if (table.open) list();
    clearTimeout(timer);
    if (moving()) timer = window.setTimeout(plan, matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : 100);
  }
  function list() {
    fill(body, ...model.newest(LISTED).map(({ conn, ask }) => el(
      "tr", {}, el("td", {}, clock(ask.at)), el("td", {}, conn.name), el("td", {}, who(conn)), el("td", { class: "what" }, `${ask.method} ${ask.target}`.trim() || ask.error),
      el("td", {}, ask.status ? String(ask.status) : "–"), el("td", {}, ask.done === null ? "waits" : milliseconds(ask.ms)), el("td", {}, size(ask.size).join(" ")),
    )));
  }

  canvas.addEventListener("pointermove", (event) => {
    const found = [...spots].reverse().find((spot) => event.offsetX >= spot.x - 2 && event.offsetX <= spot.x + spot.width + 2 && event.offsetY >= spot.y && event.offsetY <= spot.y + spot.height);
    held = Boolean(found);
    if (found) write(readout, spotWords(found, who(found.conn)));
    plan();
  });
  canvas.addEventListener("pointerleave", () => {
    held = false;
    plan();
  });
  table.addEventListener("toggle", plan);
  new ResizeObserver(plan).observe(canvas);
  document.addEventListener("look", plan);

  store.subscribe((state, change) => {
    if (change.replaced) model.clear();
    if (change.marks.length) {
      model.add(change.marks);
      for (const event of change.marks) if (event.kind === "download_progress" && event.request) downloads.set(event.request, { done: event.done, total: event.total ?? null });
      if (change.type === "frame") ahead = Math.min(ahead, Date.now() / 1000 - model.last);
    }
    for (const request of change.requests ?? []) if (request.ended) downloads.delete(request.id);
    if ((!state.paused && !held) || change.type === "pause") plan();
  });
  plan();
  Object.assign(window, { socketLab: { connections: () => model.connections, numbers: () => model.numbers(now()) } });

  return {
    model,
    /** @param {Request} request */
    progress: (request) => {
      const found = downloads.get(request.id);
      if (!found) return null;
      const words = size(found.done).join(" ") + (found.total === null ? "" : ` of ${size(found.total).join(" ")}`);
      return { done: found.done, total: found.total ?? 0, words };
    },
  };
}

/** @param {Request} request @param {import("../types.js").Page} page */
export function resultSummary(request, page) {
  return exchangeSummary(request, page);
}

/** @param {Request} request */
export function resultDetails(request) {
  return exchangeDetails(request);
}

/** @param {import("./http_web/draw.js").Spot} spot @param {string} who */
function spotWords({ conn, ask }, who) {
  if (!ask) return `${conn.name}, ${who}: ${conn.closed === null ? "open" : `open for ${number(conn.closed - conn.opened, 2)} s, ${conn.reason || "closed"}`}, ${plural(conn.asks.length, "request")}`;
  const what = `${conn.name}, ${ask.method} ${ask.target}`;
  return ask.done === null ? `${what}: waits` : `${what}: ${ask.status || ask.error || "no answer"}, ${milliseconds(ask.ms)}, ${count(ask.size)} bytes`;
}

/** @param {PageState} state @param {import("../types.js").Page} page */
function emptyWords({ instance }, page) {
  if (instance?.state !== "running") return page.me?.role === "teacher" ? "No connections yet. Start the server, then send a request." : "No connections yet, and the server is not running.";
  return `No connections yet: press the button above, open http://${instance.address} in a browser, or ${inTerminal(instance, page, location.hostname)}`;
}
