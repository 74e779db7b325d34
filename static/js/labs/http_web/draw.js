/** The timelines on a canvas: a row for each connection, from its opening to its end, its requests in it. */

import { begin, colour, typeSize } from "../../chartbase.js";
import { clock } from "../../format.js";

/** @typedef {import("./model.js").Conn} Conn */
/** @typedef {import("./model.js").Ask} Ask */
/** @typedef {{x: number, y: number, width: number, height: number, conn: Conn, ask: Ask|null}} Spot */

/** The classes of status: the colour, and how much of the row it fills. @type {Record<string, [string, number]>} */
const LOOKS = { 1: ["s6", 0.35], 2: ["s3", 0.6], 3: ["s6", 0.35], 4: ["s2", 0.8], 5: ["loss", 1], 0: ["loss", 1] };
const LEAST = 3;

/** The look of a status. @param {number} status */
export function lookOf(status) {
  return LOOKS[Math.floor(status / 100)] ?? LOOKS[0];
}

/**
 * Draw the rows; returns where everything is, for the pointer.
 * @param {HTMLCanvasElement} canvas @param {Conn[]} rows @param {[number, number]} range @param {number} now
 * @param {(conn: Conn) => string} label @param {number} lines how many rows there is room for
 * @returns {Spot[]}
 */
export function drawRows(canvas, rows, [from, to], now, label, lines) {
  const made = begin(canvas);
  if (!made) return [];
  const { brush, width, height } = made;
  const type = typeSize();
  brush.font = `${type}px ${getComputedStyle(document.body).fontFamily}`;
  brush.textBaseline = "middle";
  const left = Math.min(11 * type, 0.3 * width);
  const bottom = height - 1.8 * type;
  const each = bottom / lines;
  const place = (/** @type {number} */ t) => left + ((t - from) / (to - from)) * (width - left - 4);
  drawAxis(brush, place, from, to, left, width, bottom, type);
  /** @type {Spot[]} */
  const spots = [];
  for (const [row, conn] of rows.entries()) {
    const y = row * each + each / 2;
    brush.fillStyle = colour("muted");
    brush.fillText(fitted(brush, label(conn), left - 8), 0, y);
    const x = Math.max(left, place(conn.opened));
    const end = Math.min(width - 4, place(conn.closed ?? now));
    brush.fillStyle = colour("grid");
    brush.fillRect(x, y - 0.22 * each, Math.max(LEAST, end - x), 0.44 * each);
    if (conn.closed !== null && end > left) {
      brush.fillStyle = colour("muted");
      brush.fillRect(end - 1.5, y - 0.3 * each, 1.5, 0.6 * each);
    }
    spots.push({ x, y: y - each / 2, width: Math.max(LEAST, end - x), height: each, conn, ask: null });
    for (const ask of conn.asks) {
      const start = place(ask.at);
      const stop = place(ask.done ?? now);
      if (stop < left || start > width) continue;
      const begin = Math.max(left, start);
      drawAsk(brush, ask, begin, y, Math.max(LEAST, Math.min(stop, width - 4) - begin), each);
      spots.push({ x: begin, y: y - each / 2, width: Math.max(LEAST, stop - begin), height: each, conn, ask });
    }
  }
  return spots;
}

/** @param {CanvasRenderingContext2D} brush @param {Ask} ask @param {number} x @param {number} y @param {number} width @param {number} each */
function drawAsk(brush, ask, x, y, width, each) {
  if (ask.done === null || (!ask.status && !ask.error)) {
    brush.strokeStyle = colour("text");
    brush.setLineDash([3, 2]);
    brush.strokeRect(x + 0.5, y - 0.25 * each, width, 0.5 * each);
    brush.setLineDash([]);
    return;
  }
  const [name, part] = lookOf(ask.status);
  brush.fillStyle = colour(name);
  brush.fillRect(x, y - (part * each * 0.85) / 2, width, part * each * 0.85);
}

/**
 * @param {CanvasRenderingContext2D} brush @param {(t: number) => number} place @param {number} from @param {number} to
 * @param {number} left @param {number} width @param {number} bottom @param {number} type
 */
function drawAxis(brush, place, from, to, left, width, bottom, type) {
  const room = Math.max(1, Math.floor((width - left) / (8 * type)));
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find((size) => (to - from) / size <= room) ?? 1200;
  brush.strokeStyle = colour("grid");
  brush.fillStyle = colour("muted");
  brush.lineWidth = 1;
  brush.textAlign = "center";
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
    const x = Math.round(place(t)) + 0.5;
    brush.beginPath();
    brush.moveTo(x, 0);
    brush.lineTo(x, bottom);
    brush.stroke();
    if (x > left + 2 * type && x < width - 2 * type) brush.fillText(clock(t, step < 1 ? 1 : 0), x, bottom + type);
  }
  brush.textAlign = "left";
}

/** Text cut to a width. @param {CanvasRenderingContext2D} brush @param {string} text @param {number} width */
function fitted(brush, text, width) {
  if (brush.measureText(text).width <= width) return text;
  let cut = text;
  while (cut && brush.measureText(`${cut}…`).width > width) cut = cut.slice(0, -1);
  return `${cut}…`;
}
