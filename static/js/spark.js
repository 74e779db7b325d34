/** A sparkline: a rate over the last minute. */

import { el, svg, write } from "./dom.js";
import { number } from "./format.js";

const POINTS = 60;
const WIDTH = 240;
const HEIGHT = 36;

/** The SVG path of values from old to new, right-aligned. Pure. @param {number[]} values */
export function sparkPath(values) {
  const top = Math.max(1, ...values);
  const step = WIDTH / (POINTS - 1);
  const first = POINTS - values.length;
  return values
    .map((value, place) => `${place ? "L" : "M"}${((first + place) * step).toFixed(1)} ${(HEIGHT - 2 - (value / top) * (HEIGHT - 4)).toFixed(1)}`)
    .join("");
}

/** @param {string} title what is counted */
export function createSpark(title) {
  /** @type {number[]} */
  const values = [];
  const line = svg("path", { class: "line" });
  const area = svg("path", { class: "area" });
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" }, area, line);
  const label = el("span", { class: "rate" });
  const element = el("div", { class: "spark", title: `${title} per second, over the last minute` });
  element.append(picture, label);
  /** @param {number} rate */
  function push(rate) {
    values.push(rate);
    if (values.length > POINTS) values.shift();
    const path = sparkPath(values);
    line.setAttribute("d", path);
    const start = ((POINTS - values.length) * WIDTH) / (POINTS - 1);
    area.setAttribute("d", `${path}L${WIDTH} ${HEIGHT}L${start.toFixed(1)} ${HEIGHT}Z`);
    write(label, `${number(rate)}/s`);
  }
  return { element, push };
}
