/** The requests on uPlot's canvas: a mark for each, by verdict, and the two medians as lines. */

import { colour, typeSize } from "../../chartbase.js";
import { milliseconds } from "../../format.js";
import { height, LEAST, placesOf } from "./scale.js";
import { lookOf } from "./verdicts.js";

/** @typedef {import("uplot")} Chart */
/** @typedef {import("./model.js").Asked} Asked */

const BOX = 16;

/** Every request a mark, at its place and its time. @param {Chart} u @param {Asked[]} entries */
export function drawMarks(u, entries) {
  const { ctx } = u;
  const ratio = devicePixelRatio || 1;
  const crowd = entries.length > 300 ? 0.5 : entries.length > 100 ? 0.7 : 1;
  const scale = (ratio * crowd * typeSize()) / 14;
  /** @type {Map<string, Path2D>} */
  const paths = new Map();
  for (const [place, entry] of entries.entries()) {
    let path = paths.get(entry.verdict);
    if (!path) {
      path = new Path2D();
      paths.set(entry.verdict, path);
    }
    const x = u.valToPos(place + 1, "x", true) - (BOX / 2) * scale;
    const y = u.valToPos(height(entry), "y", true) - (BOX / 2) * scale;
    path.addPath(new Path2D(lookOf(entry.verdict).mark), new DOMMatrix([scale, 0, 0, scale, x, y]));
  }
  ctx.save();
  ctx.beginPath();
  ctx.rect(u.bbox.left - 8 * ratio, u.bbox.top - 8 * ratio, u.bbox.width + 16 * ratio, u.bbox.height + 16 * ratio);
  ctx.clip();
  ctx.lineWidth = 1.8 * scale;
  for (const [verdict, path] of paths) {
    const look = lookOf(verdict);
    ctx.fillStyle = ctx.strokeStyle = colour(look.colour);
    if (look.filled) ctx.fill(path);
    else ctx.stroke(path);
  }
  ctx.restore();
}

/**
 * The medians: a dashed line each, and what it is.
 * @param {Chart} u @param {{words: string, ms: number, colour: string, dash: number[]}[]} lines
 */
export function drawMedians(u, lines) {
  const { ctx } = u;
  const ratio = devicePixelRatio || 1;
  const type = typeSize() * ratio;
  const { left, width, top, height: tall } = u.bbox;
  const tops = placesOf(lines.map((line) => u.valToPos(Math.max(LEAST, line.ms), "y", true)), 1.5 * type, top + type, top + tall);
  ctx.save();
  ctx.font = `600 ${type}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.textBaseline = "bottom";
  ctx.textAlign = "right";
  for (const [place, line] of lines.entries()) {
    const y = Math.round(u.valToPos(Math.max(LEAST, line.ms), "y", true));
    ctx.strokeStyle = colour(line.colour);
    ctx.lineWidth = 1.5 * ratio;
    ctx.setLineDash(line.dash.map((length) => length * ratio));
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
  }
  for (const [place, line] of lines.entries()) {
    const words = `${line.words} ${milliseconds(line.ms)}`;
    const long = ctx.measureText(words).width;
    ctx.fillStyle = colour("card");
    ctx.fillRect(left + width - long - 3 * ratio, tops[place] - 1.25 * type, long + 3 * ratio, 1.2 * type);
    ctx.fillStyle = colour("text");
    ctx.fillText(words, left + width, tops[place] - 2 * ratio);
  }
  ctx.restore();
}
