/** The ping lab's picture: every ping's round trip over time, and the losses below. */

import { timed } from "../chartbase.js";
import { el, fill, write } from "../dom.js";
import { clock, milliseconds, msDigits, number } from "../format.js";
import { personOf } from "../people.js";
import { inTerminal } from "../reach.js";
import { createCharts } from "./udp_ping/charts.js";
import { expectedOf, expectedWords, summaryOf } from "./udp_ping/expect.js";
import { createLegend } from "./udp_ping/legend.js";
import { Model, shown } from "./udp_ping/model.js";
import { nearest, statusWords } from "./udp_ping/nearest.js";
import { createPoints } from "./udp_ping/points.js";

/** @typedef {import("../types.js").Request} Request */
/** @typedef {import("../keep.js").PageState} PageState */

const WINDOWS = /** @type {[string, number][]} */ ([["10 s", 10], ["1 min", 60], ["10 min", 600], ["all", Infinity]]);
const HINT = "Cross: lost. Hollow: late. Double ring: answered twice. Crossed box: garbled. Tick on the axis: arrived from a program that alone knows its round trip. Below, thick: over the last 10, thin: over all.";

/** @param {HTMLElement} element @param {import("../keep.js").Store} store @param {import("../types.js").Page} page */
export function picture(element, store, page) {
  const model = new Model();
  const readout = el("p", { class: "readout", "aria-live": "off" });
  const plots = el("div", { class: "plots", role: "img", "aria-label": "Chart: round-trip time of every ping, and the share lost. The table below has the same numbers." });
  const legendBox = el("div", { class: "scroll low" });
  const expectLine = el("p", { class: "expectline" });
  const empty = el("p", { class: "empty over" });
  const buttons = WINDOWS.map(([words, seconds]) => el("button", { type: "button", "aria-pressed": String(seconds === 60), onclick: () => choose(seconds) }, words));
  const log = el("button", { type: "button", "aria-pressed": "false", title: "Logarithmic: short and long round trips side by side" }, "log");
  log.addEventListener("click", () => {
    const on = log.getAttribute("aria-pressed") !== "true";
    log.setAttribute("aria-pressed", String(on));
    charts.setLog(on);
    plan();
  });
  let span = 60;
  /** @type {[number, number]|null} */
  let zoom = null;
  let pointed = false;
  let asked = 0;
  let listed = 0;

  const legend = createLegend(legendBox, store, plan);
  const points = createPoints(model, (peer) => personOf(store.state, peer) || peer);
  const visible = () => [...model.clients.values()].filter((client) => !legend.isHidden(client));
  const charts = createCharts(plots, { clients: visible, onZoom, onPoint });
  fill(
    element,
    el("div", { class: "headline" }, el("h2", {}, "Round trips and losses"), el("span", { class: "segments", role: "group", "aria-label": "Time shown, and the scale" }, ...buttons, log)),
    el("div", { class: "stage" }, plots, empty), el("div", { class: "underline" }, expectLine, readout), legendBox, el("p", { class: "help key" }, HINT), points.element,
  );

  /** @param {number} seconds */
  function choose(seconds) {
    span = seconds;
    zoom = null;
    for (const [place, button] of buttons.entries()) button.setAttribute("aria-pressed", String(WINDOWS[place][1] === seconds));
    plan();
  }
  /** @param {[number, number]|null} range */
  function onZoom(range) {
    zoom = range;
    plan();
  }
  /** @param {number|null} left @param {number} top */
  function onPoint(left, top) {
    const found = left === null ? null : nearest(charts.main(), visible(), left, top);
    if (left === null && pointed) plan();
    pointed = left !== null;
    if (found) write(readout, foundWords(found, store.state));
    else write(readout, idle());
  }
  const idle = () => (store.state.paused ? "paused" : pointed ? "held while you point" : zoom ? "zoomed: double click shows all" : "");

  function plan() {
    asked ||= requestAnimationFrame(draw);
  }
  /** @returns {[number, number]} */
  function range() {
    if (zoom) return zoom;
    const whole = model.span(visible(), span);
    const now = Date.now() / 1000;
    if (!whole) return [now - 10, now];
    const pad = Math.max(0.02 * (whole[1] - whole[0]), 0.05);
    return [whole[0] - pad, whole[1] + pad];
  }
  function draw() {
    asked = 0;
    timed(() => charts.update(range()));
    write(readout, pointed ? (readout.textContent ?? "") : idle());
    const now = performance.now();
    if (now - listed > 250) list(now);
    else setTimeout(() => performance.now() - listed > 250 && list(performance.now()), 260);
  }
  /** @param {number} now */
  function list(now) {
    listed = now;
    legend.update(model.clients.values());
    points.update();
    empty.hidden = model.clients.size > 0;
    write(empty, emptyWords(store.state, page));
  }

  store.subscribe((state, change) => {
    if (change.replaced) model.clear();
    if (change.marks.length) model.add(change.marks);
    if (change.requests || change.type === "state") expect(state);
    const held = (state.paused || pointed) && change.type !== "pause";
    if (!held && (change.marks.length || change.replaced || change.type !== "frame")) plan();
  });

  let asking = "";
  /** @param {PageState} state */
  async function expect(state) {
    const settings = JSON.stringify(state.instance?.settings);
    const request = state.requests.find((entry) => entry.state === "running" && entry.person_id === page.me?.id) ?? state.requests[0];
    const pings = Number(request?.arguments.count ?? 10);
    const wanted = `${pings} ${settings}`;
    if (asking === wanted || !state.instance) return;
    asking = wanted;
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (asking !== wanted) return;
    const expected = await expectedOf(state.instance.id, pings);
    if (expected && asking === wanted) write(expectLine, `To expect: ${expectedWords(expected)} (95 of 100 runs).`);
  }

  document.addEventListener("look", () => {
    charts.make();
    plan();
  });
  if (store.state.instance) expect(store.state);
  plan();
  Object.assign(window, { socketLab: { points: () => model.points() } });

  return {
    model,
    /** @param {Request} request */
    progress: (request) => ({ done: model.done.get(request.id) ?? 0, total: Number(request.arguments.count ?? 0) }),
  };
}

/** Two tiles beside the counters: what is lost in all, and the round trip of the newest client. @param {PageState} state @param {{model: Model}} handle */
export function tiles(state, { model }) {
  const { received = 0, lost_to_server: there = 0, lost_to_client: back = 0 } = state.counters;
  let newest = null;
  for (const client of model.clients.values()) if (client.own && (!newest || client.last >= newest.last)) newest = client;
  const average = newest ? shown(newest).totals().average : NaN;
  return [
    { name: "loss", title: "Lost, both ways", value: received ? number((100 * (there + back)) / received) : "–", unit: received ? "%" : "" },
    { name: "rtt", title: "Average round trip, newest client", value: msDigits(average), unit: Number.isNaN(average) ? "" : "ms" },
  ];
}

/** @param {Request} request */
export function resultSummary(request) {
  return summaryOf(request);
}

/** The queries that the picture and the results show. */
export const handles = ["expected"];

/** The titles of the probes' columns. */
export const columns = { seq: "Ping", rtt_ms: "Round trip", sent: "Sent after, s", reordered: "Overtaken" };

/** @param {import("./udp_ping/nearest.js").Found} found @param {PageState} state */
function foundWords({ client, seq, status, t, rtt }, state) {
  const name = personOf(state, client.peer) || client.peer;
  const why = seq === null ? undefined : client.why.get(seq);
  const time = Number.isNaN(rtt) ? "" : `, ${milliseconds(rtt)}`;
  return `${name}, ping ${seq ?? "?"}: ${statusWords(status, why)}${time}, ${clock(t)}`;
}

/** @param {PageState} state @param {import("../types.js").Page} page */
function emptyWords({ instance }, page) {
  if (instance?.state !== "running") return page.me?.role === "teacher" ? "No pings yet. Start the server, then send some." : "No pings yet, and the server is not running.";
  return `No pings yet: press the button above, or ${inTerminal(instance, page, location.hostname)}`;
}
