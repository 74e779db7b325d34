/** The race's picture: a lane for each model, and who stood in line over the time. */

import { isOpen, madeHere } from "../../command.js";
import { el, fill, write } from "../../dom.js";
import { plural } from "../../format.js";
import { grid } from "../../resulttable.js";
import { createChart } from "./racechart.js";
import { createLane } from "./racelane.js";
import { columns as chartColumns, elapsed, progressOf, Races } from "./racemodel.js";

/** @typedef {import("../../types.js").Request} Request */
/** @typedef {import("./racemodel.js").Run} Run */

const ROWS = 200;
const KEY = "Filled: being served. Hollow: in line; it has asked, but its connection waits in the backlog. Small: has all its answers.";
const SLOW = "A slow client connects first, sends its request a byte a second and never finishes. The iterative server waits for it, and so stops everyone. In the pool of processes each slow client takes a worker, and a few take all. Threads and select go on. A server sends such a client away after its header time-out; in the race they all wait longer than it lasts.";

/** @param {HTMLElement} element @param {import("../../keep.js").Store} store @param {import("../../types.js").Page} page */
export function picture(element, store, page) {
  const races = new Races();
  const readout = el("p", { class: "readout" });
  const lanesBox = el("ol", { class: "lanes" });
  const verdict = el("p", { class: "verdict", role: "status" });
  const plot = el("div", { class: "plot raceplot", role: "img", "aria-label": "Chart: clients in line over the time, a line for each model. The table below has the same numbers." });
  const body = el("tbody");
  const head = el("tr");
  const table = el("details", { class: "more" }, el("summary", {}, "The chart as a table"), el("div", { class: "scroll", tabindex: "0" }, el("table", { class: "grid" }, el("thead", {}, head), body)));
  const whole = el("div", { hidden: true }, verdict, lanesBox, el("h3", { class: "charttitle" }, "Clients in line"), plot, el("p", { class: "help key" }, KEY), table);
  const empty = el("p", { class: "empty" }, page.tool?.may ? "No race yet: press the button. Each chosen model gets a server of its own, and all get the same load at the same time." : "No race yet: it begins when the teacher starts it.");
  fill(element, el("div", { class: "headline" }, el("h2", {}, "Who waits?"), readout), empty, whole, el("p", { class: "help slowhelp" }, SLOW));
  const chart = createChart(plot);
  /** @type {Run|null} */
  let shown = null;
  /** @type {ReturnType<typeof createLane>[]} */
  let lanes = [];
  let chosen = "";
  let asked = 0;

  function draw() {
    asked = 0;
    const run = races.pick(chosen);
    const soon = starting();
    empty.hidden = Boolean(run);
    whole.hidden = !run;
    write(readout, soon ? "starting the servers…" : run ? readoutWords(run) : "");
    if (!run) return;
    if (run !== shown) {
      shown = run;
      lanes = run.lanes.map((lane) => createLane(run, lane));
      fill(lanesBox, ...lanes.map((lane) => lane.element));
      fill(head, ...["Seconds", ...run.lanes.map((lane) => lane.model)].map((title) => el("th", { scope: "col" }, title)));
    }
    for (const lane of lanes) lane.update();
    write(verdict, run.over && !soon ? run.verdict : "");
    chart.update(run);
    list();
  }

  /** Whether a race was asked for whose load has not begun. */
  function starting() {
    const newest = store.state.requests.find((request) => madeHere(request, page));
    return newest !== undefined && isOpen(newest) && !races.runs.has(newest.id);
  }

  function list() {
    if (!table.open || !shown) return;
    const [times, ...values] = chartColumns(shown);
    fill(body, ...times.map((time, place) => el("tr", {}, el("td", {}, (time ?? 0).toFixed(1)), ...values.map((column) => el("td", {}, column[place] ?? "–")))).slice(-ROWS));
  }
  table.addEventListener("toggle", list);

  const plan = () => {
    asked ||= requestAnimationFrame(draw);
  };
  store.subscribe((state, change) => {
    if (change.replaced) races.clear();
    if (races.add(change.marks) && !change.replaced) chosen = "";
    if (!state.paused && (change.replaced || change.marks.length || change.requests || change.type === "pause")) plan();
  });
  draw();

  return {
    /** @param {Request} request */
    progress: (request) => {
      const run = races.runs.get(request.id);
      return run ? progressOf(run) : null;
    },
    /** @param {string} id a request whose race is to be shown */
    chosen: (id) => {
      chosen = id;
      plan();
    },
  };
}

/** @param {Run} run */
function readoutWords(run) {
  const load = `${plural(run.clients, "client")} each, ${plural(run.requests, "request")} each, ${run.delay} s delay`;
  return `${load} · ${run.over ? `over after ${elapsed(run).toFixed(1)} s: ${run.reason}` : `${elapsed(run).toFixed(1)} s`}`;
}

/** The titles of the result's columns. */
export const columns = {
  model: "Model", finished: "Finished", done: "Answered", requests_per_second: "Per second", p50_ms: "Median wait",
  p95_ms: "95 of 100 within", max_ms: "Longest wait", most_in_line: "Most in line", at_once: "Served at once",
};

/** @param {Request} request */
export function resultSummary({ result }) {
  if (!result) return null;
  return el("div", {}, el("p", {}, result.verdict), grid(result.rows, columns));
}
