/** Drawing pings and losses on uPlot's canvas: a few paths per client, whatever the number of pings. */

import { colour, COLOURS, DASHES } from "../../chartbase.js";
import { firstAtLeast } from "./columns.js";
import { cross, crossedBox, doubleRing, shapeOf, tick } from "./marks.js";
import { shown } from "./model.js";

/** @typedef {import("uplot")} Chart */
/** @typedef {import("./model.js").Client} Client */

const DENSE = 1500;

/** The part of the plot below zero, where lost pings stand. */
export const STRIP = 0.08;

/**
 * How a scale's value becomes a pixel: an offset and a factor, for the inner loop to multiply; on a
 * logarithmic scale of the value's logarithm.
 * @param {Chart} u @param {string} scale @returns {[number, number]}
 */
function mapping(u, scale) {
  const { min, max, distr } = u.scales[scale];
  const [low, high] = [Number(min), Number(max)];
  const from = u.valToPos(low, scale, true);
  const to = u.valToPos(high, scale, true);
  const [a, b] = distr === 3 ? [Math.log10(low), Math.log10(high)] : [low, high];
  const factor = (to - from) / (b - a || 1);
  return [from - a * factor, factor];
}

/** What is in view of a client, by place. @param {Chart} u @param {import("./columns.js").Columns} columns */
function view(u, columns) {
  const { min, max } = u.scales.x;
  const from = firstAtLeast(columns.t, columns.length, Number(min));
  return { from, to: firstAtLeast(columns.t, columns.length, Number(max) + 1e-6) };
}

/** Where crosses and ticks stand: in the strip below zero. @param {Chart} u */
export function stripY(u) {
  return u.bbox.top + u.bbox.height * (1 - STRIP / 2);
}

/** Every ping a mark. @param {Chart} u @param {Client[]} clients */
export function drawPings(u, clients) {
  const { ctx } = u;
  const ratio = devicePixelRatio || 1;
  const [x0, fx] = mapping(u, "x");
  const [y0, fy] = mapping(u, "y");
  const strip = Math.round(stripY(u));
  const log = u.scales.y.distr === 3;
  let inView = 0;
  for (const client of clients) {
    const { from, to } = view(u, shown(client));
    inView += to - from;
  }
  const crowd = inView > DENSE;
  const r = (crowd ? 2 : inView > 300 ? 3 : 4) * ratio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(u.bbox.left - 8, u.bbox.top, u.bbox.width + 16, u.bbox.height);
  ctx.clip();
  const crosses = new Path2D();
  for (const client of clients) {
    const columns = shown(client);
    const { t, rtt, status } = columns;
    const { from, to } = view(u, columns);
    const [dots, filled, hollow, odd, ticks, under] = [new Path2D(), new Path2D(), new Path2D(), new Path2D(), new Path2D(), new Path2D()];
    const shape = shapeOf(client.index);
    let crossed = NaN;
    for (let i = from; i < to; i += 1) {
      const x = Math.round(x0 + t[i] * fx);
      const code = status[i];
      const y = code === 2 || code > 4 ? strip : Math.round(y0 + (log ? Math.log10(rtt[i]) : rtt[i]) * fy);
      if (code === 0 && crowd) {
        // A short thick line is a square, and far cheaper than a filled one.
        dots.moveTo(x - r, y);
        dots.lineTo(x + r, y);
      } else if (code === 0) shape(filled, x, y, r);
      else if (code === 1) shape(hollow, x, y, r);
      else if (code === 3) crossedBox(odd, x, y, r);
      else if (code === 5) tick(ticks, x, strip, 1.2 * r);
      else if (x !== crossed) {
        crossed = x;
        cross(crosses, x, strip, 1.1 * r);
        under.rect(x - r, strip + 1.6 * r, 2 * r, ratio);
      }
    }
    for (const [i, at] of client.twice.t.entries()) doubleRing(odd, x0 + at * fx, u.valToPos(client.twice.rtt[i], "y", true), r);
    const paint = COLOURS[client.index % COLOURS.length];
    ctx.fillStyle = ctx.strokeStyle = paint;
    ctx.lineWidth = 2 * r;
    ctx.stroke(dots);
    ctx.lineWidth = 1.5 * ratio;
    ctx.fill(filled);
    ctx.fill(under);
    for (const path of [hollow, odd, ticks]) ctx.stroke(path);
  }
  ctx.strokeStyle = colour("loss");
  ctx.lineWidth = 2 * ratio;
  ctx.stroke(crosses);
  ctx.restore();
}

/** Loss over the last ten, thick, and over all, thin. @param {Chart} u @param {Client[]} clients */
export function drawLoss(u, clients) {
  const { ctx } = u;
  const ratio = devicePixelRatio || 1;
  const [x0, fx] = mapping(u, "x");
  const [y0, fy] = mapping(u, "y");
  ctx.save();
  ctx.beginPath();
  ctx.rect(u.bbox.left, u.bbox.top - 4, u.bbox.width, u.bbox.height + 8);
  ctx.clip();
  for (const client of clients) {
    const columns = shown(client);
    const { from, to } = view(u, columns);
    ctx.strokeStyle = COLOURS[client.index % COLOURS.length];
    ctx.setLineDash(DASHES[client.index % DASHES.length].map((length) => length * ratio));
    const lines = /** @type {const} */ ([[2 * ratio, 1, (/** @type {number} */ i) => columns.recent(i, 10)], [1.25 * ratio, 0.6, (/** @type {number} */ i) => columns.overall(i)]]);
    for (const [width, alpha, value] of lines) {
      ctx.globalAlpha = alpha;
      ctx.lineWidth = width;
      ctx.stroke(steps(columns, Math.max(0, from - 1), to, x0, fx, (i) => y0 + value(i) * fy, to - from > 60));
    }
  }
  ctx.restore();
}

/** @param {import("./columns.js").Columns} columns @param {number} from @param {number} to @param {number} x0 @param {number} fx @param {(place: number) => number} y @param {boolean} dense */
function steps(columns, from, to, x0, fx, y, dense) {
  const path = new Path2D();
  let lastX = -Infinity;
  let lastY = 0;
  for (let i = from; i < to; i += 1) {
    const x = x0 + columns.t[i] * fx;
    if (dense && x - lastX < 0.8 && i < to - 1) continue;
    const level = y(i);
    if (lastX === -Infinity) {
      path.moveTo(x, level);
      if (to - from === 1) path.lineTo(x + 6, level);
    } else {
      path.lineTo(x, lastY);
      path.lineTo(x, level);
    }
    lastX = x;
    lastY = level;
  }
  return path;
}

/** The smallest and largest round trip in view, in ms. @param {Client[]} clients @param {number} min @param {number} max @returns {[number, number]} */
export function extremes(clients, min, max) {
  let low = Infinity;
  let top = 0;
  for (const client of clients) {
    if (!client.own) continue;
    const { t, rtt, length } = client.pings;
    for (let i = firstAtLeast(t, length, min); i < length && t[i] <= max; i += 1) {
      if (rtt[i] > top) top = rtt[i];
      if (rtt[i] < low) low = rtt[i];
    }
    for (const [i, at] of client.twice.t.entries()) if (at >= min && at <= max && client.twice.rtt[i] > top) top = client.twice.rtt[i];
  }
  return top > 0 ? [Math.min(low, top), top] : [0.1, 1];
}
