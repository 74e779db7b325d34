/** The two charts over one time axis: round trips, and losses. */

import { axis, colour, timeAxis, uPlot } from "../../chartbase.js";
import { drawLoss, drawPings, extremes, STRIP } from "./draw.js";

/** @typedef {import("./model.js").Client} Client */
/** @typedef {import("uplot")} Chart */

const HEIGHTS = [250, 130];

/** On an axis: nothing below zero, and on a logarithmic one only 1, 2, 5, 10, … @param {number|null} value */
function label(value) {
  if (value === null || value < 0) return "";
  const first = value > 0 ? value / 10 ** Math.floor(Math.log10(value) + 1e-9) : 0;
  return first - Math.round(first * 10) / 10 > 1e-3 ? "" : String(Number(value.toPrecision(6)));
}

/**
 * @param {HTMLElement} element
 * @param {{clients: () => Client[], onZoom: (range: [number, number]|null) => void,
 *   onPoint: (x: number|null, y: number) => void}} with
 */
export function createCharts(element, { clients, onZoom, onPoint }) {
  const key = uPlot.sync("time");
  /** @type {Chart[]} */
  let charts = [];
  /** @type {[number, number]} */
  let range = [Date.now() / 1000 - 60, Date.now() / 1000];
  /** @type {[number, number]} */
  let heights = [0.1, 1];
  let log = false;

  /** From where to where a chart's own axis goes: the round trips in view and the strip below them. @param {number} place @returns {[number, number]} */
  function reach(place) {
    if (place === 1) return [0, 100];
    if (!log) return [(-1.06 * heights[1] * STRIP) / (1 - STRIP), 1.06 * heights[1]];
    const [low, high] = [Math.log10(heights[0]) - 0.1, Math.log10(heights[1]) + 0.1];
    return [10 ** (low - ((high - low) * STRIP) / (1 - STRIP)), 10 ** high];
  }

  /** @param {number} place @returns {import("uplot").Options} */
  function options(place) {
    const rtt = place === 0;
    const scale = document.documentElement.dataset.projector === "on" ? 1.25 : 1;
    return {
      width: Math.max(240, element.clientWidth), height: HEIGHTS[place] * scale,
      legend: { show: false }, padding: [8, null, 0, 0],
      scales: { x: { time: true, auto: false, range: () => range }, y: { distr: rtt && log ? 3 : 1, range: () => reach(place) } },
      axes: [
        timeAxis(!rtt),
        axis(rtt ? "round trip, ms" : "lost, %", {
          splits: rtt ? undefined : () => [0, 25, 50, 75, 100],
          values: (_, splits) => splits.map(label),
          grid: { stroke: () => colour("grid"), width: 1, filter: (_, splits) => splits.map((value) => (value < 0 ? null : value)) },
          ticks: { show: false },
        }),
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      cursor: {
        sync: { key: key.key, scales: ["x", null] }, points: { show: false }, y: rtt,
        drag: { x: true, y: false, setScale: false },
        bind: { dblclick: () => () => { onZoom(null); return null; } },
      },
      hooks: {
        drawSeries: [(u) => (rtt ? drawPings(u, clients()) : drawLoss(u, clients()))],
        setSelect: [(u) => select(u)],
        setCursor: rtt ? [(u) => onPoint(u.cursor.left !== undefined && u.cursor.left >= 0 && u.cursor.event ? u.cursor.left : null, u.cursor.top ?? -1)] : [],
      },
    };
  }

  /** @param {Chart} u */
  function select(u) {
    if (u.select.width < 4) return;
    onZoom([u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")]);
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  }

  function make() {
    for (const chart of charts) {
      key.unsub(chart);
      chart.destroy();
    }
    charts = HEIGHTS.map((_, place) => new uPlot(options(place), data(), element));
  }
  const data = () => /** @type {import("uplot").AlignedData} */ ([[...range], heights]);

  /** Draw what is in view. @param {[number, number]} next */
  function update(next) {
    range = next;
    heights = extremes(clients(), range[0], range[1]);
    const columns = data();
    for (const [place, chart] of charts.entries()) {
      chart.batch(() => {
        chart.setData(columns, false);
        chart.setScale("x", { min: range[0], max: range[1] });
        const [min, max] = reach(place);
        chart.setScale("y", { min, max });
      });
    }
  }

  make();
  new ResizeObserver(() => {
    for (const chart of charts) if (element.clientWidth > 0 && chart.width !== element.clientWidth) chart.setSize({ width: Math.max(240, element.clientWidth), height: chart.height });
  }).observe(element);
  /** @param {boolean} on */
  function setLog(on) {
    log = on;
    make();
  }
  return { update, make, setLog, main: () => charts[0] };
}
