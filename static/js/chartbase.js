/** What all charts share: uPlot in the page's colours, sizes and habits. */

import uPlot from "/static/node_modules/uplot/dist/uPlot.esm.js";
import { clock } from "./format.js";
import { measure } from "./measure.js";

/** Okabe and Ito's colours: told apart by colour-blind eyes too. */
export const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"];

/** Line dashes, one per series as well as a colour. @type {number[][]} */
export const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [10, 4]];

/** @type {Map<string, string>} */
const known = new Map();

/**
 * A custom property of the page's colours. Kept until the look changes: asking the browser in the middle of
 * drawing makes it lay out the page.
 * @param {string} name
 */
export function colour(name) {
  let value = known.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || "#888";
    known.set(name, value);
  }
  return value;
}
document.addEventListener("look", () => known.clear());

/** The size of type on a chart, in CSS pixels. */
export function typeSize() {
  return 0.75 * parseFloat(getComputedStyle(document.documentElement).fontSize);
}

/**
 * @param {string} label @param {Partial<import("uplot").Axis>} [more]
 * @returns {import("uplot").Axis}
 */
export function axis(label, more = {}) {
  const font = `${typeSize()}px ${getComputedStyle(document.body).fontFamily}`;
  const scale = typeSize() / 12;
  return {
    label, labelFont: font, font, labelSize: 16 * scale, size: 46 * scale, gap: 4,
    stroke: () => colour("muted"), grid: { stroke: () => colour("grid"), width: 1 },
    ticks: { stroke: () => colour("grid"), width: 1, size: 5 }, ...more,
  };
}

/** A time axis with the wall clock, finer when zoomed. @param {boolean} labelled */
export function timeAxis(labelled) {
  const scale = typeSize() / 12;
  return axis(labelled ? "time of day" : "", {
    size: (labelled ? 26 : 22) * scale, labelSize: labelled ? 16 * scale : 0, space: 90 * scale,
    values: (_, splits) => {
      const step = splits.length > 1 ? splits[1] - splits[0] : 1;
      return splits.map((t) => clock(t, step < 0.01 ? 3 : step < 0.1 ? 2 : step < 1 ? 1 : 0));
    },
  });
}

/** Do it, and let a benchmark read how long it took. @param {() => void} work */
export function timed(work) {
  const start = performance.now();
  work();
  measure("chart-update", start);
}

/** The canvas's pixels as the screen has them; the brush goes on counting in CSS pixels. @param {HTMLCanvasElement} canvas @param {CanvasRenderingContext2D} brush @param {number} width @param {number} height */
export function fit(canvas, brush, width, height) {
  const scale = window.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  brush.setTransform(scale, 0, 0, scale, 0, 0);
}

/**
 * Make the canvas as large as it is shown, and empty; null: it is not shown.
 * @param {HTMLCanvasElement} canvas @returns {{brush: CanvasRenderingContext2D, width: number, height: number}|null}
 */
export function begin(canvas) {
  const brush = canvas.getContext("2d");
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (!brush || !width || !height) return null;
  fit(canvas, brush, width, height);
  brush.clearRect(0, 0, width, height);
  return { brush, width, height };
}

export { uPlot };
