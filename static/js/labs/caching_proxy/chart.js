/** The chart: the time of each of the newest requests on a logarithmic axis, a mark for each. */

import { axis, colour, timed, typeSize, uPlot } from "../../chartbase.js";
import { clock } from "../../format.js";
import { drawMarks, drawMedians } from "./draw.js";
import { height, reach, ticks } from "./scale.js";

/** @typedef {import("./model.js").Asked} Asked */
/** @typedef {{words: string, ms: number, colour: string, dash: number[]}} Median */

const HEIGHT = 250;
const NEAR = 24;
const LABELS = 9.5;

/**
 * @param {HTMLElement} element
 * @param {{onPoint: (entry: Asked|null) => void, onPick: (entry: Asked) => void}} with
 */
export function createChart(element, { onPoint, onPick }) {
  /** @type {import("uplot")|null} */
  let chart = null;
  /** @type {Asked[]} */
  let entries = [];
  /** @type {Median[]} */
  let medians = [];
  /** @type {[number, number]|null} */
  let zoom = null;
  /** @type {Asked|null} */
  let pointed = null;

  const data = () => /** @type {import("uplot").AlignedData} */ ([entries.map((_, place) => place + 1), entries.map(height)]);
  const tall = () => HEIGHT * (document.documentElement.dataset.projector === "on" ? 1.25 : 1);
  const width = () => Math.max(240, element.clientWidth);
  // Asked for once and not while drawing: the browser would have to lay out the page.
  let room = 0;
  let wide = 0;

  /** All, or what was zoomed to; at the right there is room for the medians' labels. @returns {[number, number]} */
  function range() {
    const [from, to] = zoom ?? [0.5, Math.max(10, entries.length) + 0.5];
    return [from, to + ((to - from) * room) / Math.max(room, wide - room)];
  }
  const time = (/** @type {number} */ place) => (Number.isInteger(place) && entries[place - 1] ? clock(entries[place - 1].t, 0) : "");

  function measure() {
    room = LABELS * typeSize();
    wide = width() - 5 * typeSize();
  }
  function make() {
    measure();
    chart?.destroy();
    chart = new uPlot({
      width: width(), height: tall(), legend: { show: false }, padding: [10, 12, 0, 0],
      scales: { x: { time: false, range }, y: { distr: 3, range: () => reach([...entries, ...medians]) } },
      axes: [
        axis("requests, the newest at the right", { size: 24, space: 84, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500], values: (_, splits) => splits.map(time) }),
        axis("time until answered, ms", { splits: (_, __, low, high) => ticks(low, high), filter: (_, splits) => splits, values: (_, splits) => splits.map(String), grid: { stroke: () => colour("grid"), width: 1, filter: (_, splits) => splits }, ticks: { show: false } }),
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      cursor: { points: { show: false }, y: false, drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => { zoom = null; redraw(); return null; } } },
      hooks: { drawSeries: [(u) => { drawMarks(u, entries); drawMedians(u, medians); }], setSelect: [select], setCursor: [point] },
    }, data(), element);
  }
  function redraw() {
    timed(() => chart?.setData(data()));
  }
  /** @param {import("uplot")} u */
  function select(u) {
    if (u.select.width < 4) return;
    zoom = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    redraw();
  }
  /** The mark that is nearest to the pointer. @param {import("uplot")} u */
  function point(u) {
    const { left = -1, top = -1 } = u.cursor;
    /** @type {Asked|null} */
    let found = null;
    let nearest = NEAR;
    if (left >= 0 && u.cursor.event) {
      const around = Math.ceil(Math.abs(u.posToVal(left + NEAR, "x") - u.posToVal(left, "x")));
      const middle = Math.round(u.posToVal(left, "x"));
      for (let place = Math.max(1, middle - around); place <= Math.min(entries.length, middle + around); place += 1) {
        const far = Math.hypot(u.valToPos(place, "x") - left, u.valToPos(height(entries[place - 1]), "y") - top);
        if (far < nearest) [found, nearest] = [entries[place - 1], far];
      }
    }
    if (found !== pointed) onPoint(found);
    pointed = found;
    u.over.style.cursor = found ? "pointer" : "";
  }

  element.addEventListener("click", () => pointed && onPick(pointed));
  new ResizeObserver(() => {
    if (!chart || element.clientWidth === 0 || chart.width === width()) return;
    measure();
    chart.setSize({ width: width(), height: tall() });
  }).observe(element);
  document.addEventListener("look", make);
  make();

  return {
    /** @param {Asked[]} next @param {Median[]} lines */
    update(next, lines) {
      entries = next;
      medians = lines;
      redraw();
    },
    /** Where each request stands, in CSS pixels of the plot. */
    spots: () => entries.map((entry, place) => ({ n: entry.n, ms: entry.ms, verdict: entry.verdict, x: chart?.valToPos(place + 1, "x") ?? 0, y: chart?.valToPos(height(entry), "y") ?? 0 })),
    zoomed: () => zoom !== null,
    unzoom: () => { zoom = null; },
  };
}
