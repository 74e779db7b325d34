/** A lane of the race: who is served, who stands in line, how far it is, and its two numbers. */

import { COLOURS, DASHES } from "../../chartbase.js";
import { el, fill, svg, write } from "../../dom.js";
import { count, msDigits, number, plural } from "../../format.js";
import { figures, why } from "./racemodel.js";

/** @typedef {import("./racemodel.js").Run} Run */
/** @typedef {import("./racemodel.js").Lane} Lane */

export const MODELS = ["iterative", "threads", "processes", "select"];

/** Colour and dash of a model's line. @param {string} model */
export function look(model) {
  const place = MODELS.indexOf(model);
  return { stroke: COLOURS[place], dash: DASHES[place] };
}

/** The model's line as in the chart. @param {string} model */
function swatch(model) {
  const { stroke, dash } = look(model);
  return svg("svg", { viewBox: "0 0 28 8", class: "dash", "aria-hidden": "true" }, svg("path", { d: "M0 4H28", stroke, "stroke-width": 3, "stroke-dasharray": dash.join(" ") || null }));
}

/** @param {Run} run @param {Lane} lane */
export function createLane(run, lane) {
  const queue = el("div", { class: "queue", "aria-hidden": "true" }, ...Array.from({ length: run.clients }, () => el("i")));
  queue.classList.toggle("small", run.clients > 60);
  const words = el("p", { class: "crowd" });
  const state = el("p", { class: "lanestate" });
  const track = el("div", { class: "track", role: "progressbar", "aria-label": `${lane.model}: answers`, "aria-valuemin": "0", "aria-valuemax": "100" }, el("b"));
  const bar = /** @type {HTMLElement} */ (track.firstElementChild);
  const done = el("span", { class: "done" });
  const rate = el("strong");
  const median = el("strong");
  const rest = el("span");
  const element = el(
    "li", { class: "lane", "data-model": lane.model },
    el("div", { class: "lanehead" }, el("h3", {}, swatch(lane.model), lane.model), state),
    el("div", { class: "run" }, el("div", { class: "stand" }, queue, words), el("div", { class: "way" }, track, done), el("p", { class: "why" }, why(lane.model, run))),
    el("dl", { class: "figures" }, el("div", {}, el("dt", {}, "answers per second"), el("dd", {}, rate)), el("div", {}, el("dt", {}, "median wait"), el("dd", {}, median), el("dd", { class: "rest" }, rest))),
  );
  element.style.setProperty("--lane", look(lane.model).stroke);
  const whole = run.clients * run.requests;

  function update() {
    const last = lane.ticks.at(-1);
    const { served, line, done: through } = figures(run, lane);
    const kinds = ["served", "line", "through", "ahead"];
    const ends = [served, served + line, served + line + through];
    for (const [place, figure] of [...queue.children].entries()) {
      const kind = kinds[ends.findIndex((end) => place < end)] ?? "ahead";
      if (figure.className !== kind) figure.className = kind;
    }
    write(words, crowdWords(served, line, Boolean(last?.finished)));
    write(state, stateWords(run, lane));
    element.dataset.state = last?.finished ? "finished" : run.over ? "unfinished" : "running";
    const part = last ? (last.done + last.failed) / whole : 0;
    bar.style.width = `${100 * part}%`;
    track.setAttribute("aria-valuenow", String(Math.round(100 * part)));
    write(done, `${count(last?.done ?? 0)} of ${count(whole)}${last?.failed ? `, ${count(last.failed)} failed` : ""}`);
    write(rate, last?.done ? number(last.rate, last.rate < 10 ? 1 : 0) : "–");
    fill(median, `${msDigits(last?.p50_ms)}`, last?.p50_ms === null || !last ? "" : el("span", { class: "unit" }, " ms"));
    write(rest, last?.p95_ms ? `95 %: ${msDigits(last.p95_ms)} ms` : "no answer yet");
  }
  update();
  return { element, update };
}

/** @param {number} served @param {number} line @param {boolean} finished */
function crowdWords(served, line, finished) {
  if (finished) return "nobody waits any more";
  if (!served && !line) return "";
  return `${line ? `${count(line)} in line, ` : "nobody in line, "}${count(served)} served`;
}

/** @param {Run} run @param {Lane} lane */
function stateWords(run, lane) {
  const last = lane.ticks.at(-1);
  if (last?.finished) return `finished after ${last.seconds.toFixed(1)} s`;
  if (run.over) return `not finished in ${(last?.seconds ?? 0).toFixed(1)} s`;
  return run.slow ? `running, with ${plural(run.slow, "slow client")}` : "running";
}
