/** The picture: times with and without the cache, each request a mark; the hit ratio and the bytes saved. */

import { el, fill, write } from "../../dom.js";
import { clock, count, milliseconds, size } from "../../format.js";
import { personOf } from "../../people.js";
import { createChart } from "./chart.js";
import { markOf, verdictBadge } from "./marks.js";
import { byVerdict, pairs } from "./model.js";
import { showPairs } from "./pairs.js";
import { startWords } from "./start.js";
import { lookOf } from "./verdicts.js";
import { savedWords, shares, speedWords } from "./words.js";

/** @typedef {import("./model.js").Asked} Asked */

const SHOWN = [50, 200, 1000];
const PAIRS = 5;
const GAP = 200;

/**
 * @param {HTMLElement} element @param {import("./model.js").Model} model @param {import("../../keep.js").Store} store
 * @param {import("../../types.js").Page} page @param {(entry: Asked) => void} onPick
 */
export function mountPicture(element, model, store, page, onPick) {
  const speed = el("p", { class: "speed", role: "status" });
  const plot = el("div", { class: "plot" });
  const pairList = el("ol", { class: "pairs", hidden: true });
  const empty = el("div", { class: "empty over" });
  const legend = el("div", { class: "legend", role: "group", "aria-label": "Verdicts shown" });
  const readout = el("p", { class: "readout", "aria-live": "off" });
  const bar = el("div", { class: "sharebar", "aria-hidden": "true" });
  const parts = el("ul", { class: "shareparts" });
  const saved = el("p", { class: "saved" });
  const body = el("tbody");
  const heads = ["Verdict", "Answers", "Median", "95 of 100 within", "Bytes", "Of them saved"].map((words) => el("th", { scope: "col" }, words));
  const table = el("details", { class: "more verdicts" }, el("summary", {}, "The numbers as a table"), el("div", { class: "scroll" }, el("table", { class: "grid" }, el("thead", {}, el("tr", {}, ...heads)), body)));
  const amounts = SHOWN.map((amount) => el("button", { type: "button", "aria-pressed": String(amount === SHOWN[0]), onclick: () => show(amount) }, count(amount)));
  const views = /** @type {[string, boolean][]} */ ([["Each request", false], ["By address", true]]).map(([words, by]) => el("button", { type: "button", "aria-pressed": String(!by), onclick: () => view(by) }, words));
  const amountGroup = el("span", { class: "segments", role: "group", "aria-label": "How many requests" }, ...amounts);
  fill(
    element,
    el("div", { class: "headline" }, el("h2", {}, "With and without the cache"), el("span", { class: "segments", role: "group", "aria-label": "What is drawn" }, ...views)),
    speed, el("div", { class: "stage" }, plot, pairList, empty), el("div", { class: "underline" }, readout, amountGroup), legend, bar, parts, saved, table,
  );
  /** @type {Set<string>} */
  const hidden = new Set();
  let amount = SHOWN[0];
  let byAddress = false;
  let asked = 0;
  let drawn = 0;
  let held = false;
  const chart = createChart(plot, {
    onPoint(entry) {
      held = entry !== null;
      if (entry) write(readout, pointWords(entry, personOf(store.state, entry.peer) || entry.peer));
      else plan();
    },
    onPick,
  });

  /** @param {number} next */
  function show(next) {
    amount = next;
    for (const [place, button] of amounts.entries()) button.setAttribute("aria-pressed", String(SHOWN[place] === next));
    chart.unzoom();
    plan();
  }
  /** @param {boolean} by */
  function view(by) {
    byAddress = by;
    for (const [place, button] of views.entries()) button.setAttribute("aria-pressed", String(Boolean(place) === by));
    plan();
  }
  /** Not more often than can be read. */
  function plan() {
    asked ||= window.setTimeout(() => requestAnimationFrame(draw), Math.max(0, drawn + GAP - performance.now()));
  }
  function draw() {
    asked = 0;
    drawn = performance.now();
    const known = model.requests;
    const { compared } = model;
    write(speed, speedWords(compared));
    drawBar();
    drawLegend();
    const pairsFound = byAddress ? pairs(known, PAIRS) : [];
    plot.hidden = amountGroup.hidden = legend.hidden = byAddress;
    pairList.hidden = !byAddress;
    empty.hidden = byAddress ? pairsFound.length > 0 : known.length > 0;
    if (!empty.hidden) fill(empty, el("p", {}, ...(known.length ? ["No address yet that came both from the origin and from the cache: ask for the same one twice."] : startWords(store.state, page))));
    if (byAddress) showPairs(pairList, pairsFound);
    else if (!held && !chart.zoomed()) chart.update(known.slice(-amount).filter((entry) => !hidden.has(entry.verdict)), medianLines(compared));
    if (!held) write(readout, byAddress ? "medians of each address" : store.state.paused ? "paused" : chart.zoomed() ? "zoomed: double click shows all" : "");
    if (table.open) list();
  }
  function drawBar() {
    const found = shares(store.state.counters);
    bar.hidden = parts.hidden = found.length === 0;
    const whole = found.reduce((sum, part) => sum + part.count, 0);
    fill(bar, ...found.map((part) => {
      const piece = el("i", { class: part.name });
      piece.style.flexGrow = String(part.count / whole);
      return piece;
    }));
    fill(parts, ...found.map((part) => el("li", {}, el("i", { class: part.name, "aria-hidden": "true" }), `${count(part.count)} ${part.words}`)));
    write(saved, savedWords(store.state.counters));
  }
  let offered = "";
  function drawLegend() {
    const present = byVerdict(model.requests).map(({ verdict }) => verdict);
    if (present.join() === offered) return;
    offered = present.join();
    fill(legend, ...present.map((verdict) => {
      const button = el("button", { type: "button", "aria-pressed": String(!hidden.has(verdict)), title: `${lookOf(verdict).short}: hide or show`, onclick: () => {
        if (!hidden.delete(verdict)) hidden.add(verdict);
        button.setAttribute("aria-pressed", String(!hidden.has(verdict)));
        plan();
      } }, markOf(verdict), verdict);
      return button;
    }));
  }
  function list() {
    fill(body, ...byVerdict(model.requests).map((line) => el(
      "tr", {}, el("td", {}, verdictBadge(line.verdict)), el("td", {}, count(line.count)), el("td", {}, milliseconds(line.median)),
      el("td", {}, milliseconds(line.most)), el("td", {}, size(line.size).join(" ")), el("td", {}, size(line.saved).join(" ")),
    )));
  }
  table.addEventListener("toggle", plan);
  plan();
  return {
    plan, chart,
    /** The model was emptied. */
    reset: () => chart.unzoom(),
  };
}

/** @param {import("./model.js").Model["compared"]} compared @returns {import("./chart.js").Median[]} */
function medianLines({ cache, checked, origin }) {
  const lines = [
    { words: "origin", ms: origin.median, colour: "s1", dash: [7, 4] }, { words: "checked", ms: checked.median, colour: "s5", dash: [2, 3] },
    { words: "cache", ms: cache.median, colour: "good", dash: [] },
  ];
  return lines.filter(({ ms }) => !Number.isNaN(ms));
}

/** @param {Asked} entry @param {string} who */
function pointWords({ verdict, method, url, status, ms, t }, who) {
  return `${verdict} ${method} ${url}: ${status || "no answer"}, ${milliseconds(ms)}, ${who}, ${clock(t)}`;
}
