/** All that is to be drawn of one way of one connection, in pixels. Pure: draw.js draws it, tests and benchmarks read it. */

import { itemsOf, threadsOf } from "./layout.js";
import { shared } from "./meeting.js";

/** @typedef {import("./layout.js").View} View */
/** @typedef {import("./words.js").Level} Level */
/** @typedef {import("./layout.js").Item & {x: number, width: number, seams: number[], shared: number}} Box `shared`: with how many calls of the other row; 0: not known */
/** @typedef {{view: View, upper: Box[], lower: Box[], threads: {x: number, width: number, above: Box, below: Box}[], gaps: {level: Level, x: number, width: number, bytes: number, forgotten: boolean}[]}} Scene */

/** Pixels left free at both edges. */
export const PAD = 10;
const SEAMS = 60;

/** How high its parts are, for type of so many pixels. @param {number} size */
export function heightsOf(size) {
  const [title, row, thread, axis] = [1.75 * size, 4.8 * size, 4.2 * size, 1.7 * size];
  const upper = title;
  const lower = upper + row + thread;
  return { row, upper, lower, under: lower + row, axis: lower + row + title, height: lower + row + title + axis };
}

/** @param {import("./model.js").Rows} rows @param {View} view @returns {Scene} */
export function sceneOf(rows, view) {
  const x = (/** @type {number} */ offset) => PAD + (offset - view.from) * view.scale;
  const boxes = (/** @type {Level} */ level) => {
    const [row, other] = level === "upper" ? [rows.upper, rows.lower] : [rows.lower, rows.upper];
    return itemsOf(row, view).map((item) => ({ ...item, x: x(item.from), width: (item.to - item.from) * view.scale, ...seamsOf(item, row, other, x) }));
  };
  const [upper, lower] = [boxes("upper"), boxes("lower")];
  const threads = threadsOf(upper, lower).map(({ from, to, above, below }) => ({ x: x(from), width: (to - from) * view.scale, above: upper[above], below: lower[below] }));
  const gaps = (/** @type {Level} */ level) => (level === "lower" || rows.upper.calls.length || rows.upper.total !== null ? rows[level].missing(view.from, view.from + view.width / view.scale) : [])
    .map(({ from, to, forgotten }) => ({ level, x: x(from), width: (to - from) * view.scale, bytes: to - from, forgotten }));
  return { view, upper, lower, threads, gaps: [...gaps("upper"), ...gaps("lower")] };
}

/** Where the other row's calls divide this one. @param {import("./layout.js").Item} item @param {import("./row.js").Row} row @param {import("./row.js").Row} other @param {(offset: number) => number} x */
function seamsOf(item, row, other, x) {
  if (item.count > 1) return { seams: [], shared: 0 };
  const met = shared(row.calls[item.place], other);
  const [from, to] = met > 1 && met <= SEAMS ? other.between(item.from, item.to) : [0, 0];
  return { seams: other.calls.slice(from + 1, to).map((call) => x(call.offset)), shared: met };
}
