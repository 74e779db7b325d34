/** How long each heartbeat was on its way above the client's quickest one: true with any two clocks. */

import { axis, colour, COLOURS, DASHES, timeAxis, uPlot } from "../../chartbase.js";
import { svg } from "../../dom.js";
import { firstAt, topOf } from "./layout.js";

/** @typedef {import("./client.js").Client} Client */

const HEIGHT = 150;
const POINTS = 1500;

/** A client's sign, in a box of 2 by 2 around the middle. @type {string[]} */
const SHAPES = ["M1 0A1 1 0 1 1 -1 0A1 1 0 1 1 1 0Z", "M-.9-.9H.9V.9H-.9Z", "M0-1.1 1.1.9H-1.1Z", "M0-1.25 1.25 0 0 1.25-1.25 0Z", "M0 1.1 1.1-.9H-1.1Z", "M-.45-1.2H.45V1.2H-.45Z"];
const shapeOf = (/** @type {number} */ index) => SHAPES[(index + Math.floor(index / 6)) % 6];

/** The sign that stands beside a client's name, as on the chart. @param {number} index */
export function markOf(index) {
  return svg("svg", { viewBox: "-1.6 -1.6 3.2 3.2", class: "swatch", "aria-hidden": "true" }, svg("path", { d: shapeOf(index), fill: COLOURS[index % 6] }));
}

/** @param {HTMLElement} element @param {() => Client[]} clients */
export function createDelayChart(element, clients) {
  /** @type {[number, number]} */
  let range = [Date.now() / 1000 - 60, Date.now() / 1000];
  let top = 1;
  /** @type {import("uplot")} */
  let chart;

  /** @returns {import("uplot").Options} */
  function options() {
    const scale = document.documentElement.dataset.projector === "on" ? 1.25 : 1;
    return {
      width: Math.max(240, element.clientWidth), height: HEIGHT * scale, legend: { show: false }, padding: [8, null, 0, 0],
      scales: { x: { time: true, auto: false, range: () => range }, y: { range: () => [0, 1.08 * top] } },
      axes: [timeAxis(false), axis("ms", { space: 26 })],
      series: [{}, { paths: () => null, points: { show: false } }],
      cursor: { show: false },
      hooks: { drawSeries: [(u) => drawAll(u, clients(), range)] },
    };
  }
  const data = () => /** @type {import("uplot").AlignedData} */ ([[...range], [0, top]]);

  function make() {
    chart?.destroy();
    chart = new uPlot(options(), data(), element);
  }
  make();
  new ResizeObserver(() => {
    if (element.clientWidth > 0 && chart.width !== element.clientWidth) chart.setSize({ width: Math.max(240, element.clientWidth), height: chart.height });
  }).observe(element);

  return {
    make,
    /** @param {[number, number]} next */
    update(next) {
      range = next;
      top = topOf(clients(), range);
      chart.batch(() => {
        chart.setData(data(), false);
        chart.setScale("x", { min: range[0], max: range[1] });
        chart.setScale("y", { min: 0, max: 1.08 * top });
      });
    },
  };
}

/** @param {import("uplot")} u @param {Client[]} clients @param {[number, number]} range */
function drawAll(u, clients, range) {
  const { ctx } = u;
  const scale = window.devicePixelRatio || 1;
  ctx.save();
  ctx.beginPath();
  ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
  ctx.clip();
  for (const client of clients) drawOne(u, client, range, scale);
  ctx.restore();
}

/** @param {import("uplot")} u @param {Client} client @param {[number, number]} range @param {number} scale */
function drawOne(u, { beats, index }, [from, to], scale) {
  const { ctx } = u;
  const ink = COLOURS[index % 6] ?? colour("text");
  const line = new Path2D();
  const points = new Path2D();
  const shape = new Path2D(shapeOf(index));
  const r = 3 * scale;
  let begun = false;
  for (let i = Math.max(firstAt(beats, from) - 1, beats.length - POINTS, 0); i < beats.length && beats[i].t <= to; i += 1) {
    const { t, above, how } = beats[i];
    if (above === null || how === "duplicate") continue;
    const x = u.valToPos(t, "x", true);
    const y = u.valToPos(above, "y", true);
    if (begun) line.lineTo(x, y);
    else line.moveTo(x, y);
    begun = true;
    points.addPath(shape, new DOMMatrix([r, 0, 0, r, x, y]));
  }
  ctx.strokeStyle = ctx.fillStyle = ink;
  ctx.lineWidth = 1.2 * scale;
  ctx.setLineDash((DASHES[index % DASHES.length] ?? []).map((each) => each * scale));
  ctx.stroke(line);
  ctx.setLineDash([]);
  ctx.fill(points);
}
