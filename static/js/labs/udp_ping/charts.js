/** The two charts over one time axis: round trips, and losses. */

import { axis, timeAxis, uPlot } from "../../chartbase.js";
import { drawLoss, drawPings, highest } from "./draw.js";

/** @typedef {import("./model.js").Client} Client */
/** @typedef {import("uplot")} Chart */

const HEIGHTS = [250, 130];

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
  let top = 1;

  /** @param {number} place @returns {import("uplot").Options} */
  function options(place) {
    const rtt = place === 0;
    const scale = document.documentElement.dataset.projector === "on" ? 1.25 : 1;
    return {
      width: Math.max(240, element.clientWidth), height: HEIGHTS[place] * scale,
      legend: { show: false }, padding: [8, 10, 0, 0],
      scales: { x: { time: true, auto: false, range: () => range }, y: { auto: false, range: () => (rtt ? [-0.09 * top, 1.06 * top] : [0, 100]) } },
      axes: [
        timeAxis(!rtt),
        axis(rtt ? "round trip, ms" : "lost, %", {
          splits: rtt ? undefined : () => [0, 25, 50, 75, 100],
          values: (_, splits) => splits.map((value) => (value === null || value < 0 ? "" : String(Number(value.toPrecision(6))))),
          grid: { stroke: () => getComputedStyle(document.documentElement).getPropertyValue("--grid"), width: 1, filter: (_, splits) => splits.map((value) => (value < 0 ? null : value)) },
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
  const data = () => /** @type {import("uplot").AlignedData} */ ([[...range], [0, 0]]);

  /** Draw what is in view. @param {[number, number]} next */
  function update(next) {
    range = next;
    top = highest(clients(), range[0], range[1]) || 1;
    const columns = data();
    for (const chart of charts) chart.batch(() => chart.setData(columns));
  }

  make();
  new ResizeObserver(() => {
    for (const chart of charts) if (element.clientWidth > 0 && chart.width !== element.clientWidth) chart.setSize({ width: Math.max(240, element.clientWidth), height: chart.height });
  }).observe(element);
  return { update, make, main: () => charts[0] };
}
