/** What all charts share: uPlot in the page's colours, sizes and habits. */

import uPlot from "/static/node_modules/uplot/dist/uPlot.esm.js";
import { clock } from "./format.js";

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

const MEASURES = 10_000;
let measured = 0;

/** Do it, and let a benchmark read how long it took. The browser keeps measures for ever: they go in time. @param {() => void} work */
export function timed(work) {
  const start = performance.now();
  work();
  if (measured % MEASURES === 0) performance.clearMeasures("chart-update");
  measured += 1;
  performance.measure("chart-update", { start });
}

export { uPlot };
