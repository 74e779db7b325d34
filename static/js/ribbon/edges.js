/** What stands around the ribbon's blocks: axis, titles, gaps, and words where nothing is. */

import { count, plural } from "../format.js";
import { ticksOf } from "./layout.js";
import { PAD } from "./scene.js";

/** @typedef {import("./draw.js").Setting} Setting */
/** @typedef {ReturnType<typeof import("./scene.js").heightsOf>} Heights */

/** @param {CanvasRenderingContext2D} ctx @param {import("./layout.js").View} view @param {Setting} setting @param {Heights} at */
export function drawAxis(ctx, view, { palette, rows, ended }, at) {
  const extent = Math.max(rows.upper.extent, rows.lower.extent);
  ctx.font = `${0.92 * palette.size}px ${palette.sans}`;
  ctx.textBaseline = "middle";
  ctx.lineWidth = 1;
  for (const tick of ticksOf(view, 6.5 * palette.size)) {
    if (tick > extent) break;
    const x = Math.round(PAD + (tick - view.from) * view.scale) + 0.5;
    ctx.strokeStyle = palette.grid;
    ctx.beginPath();
    ctx.moveTo(x, at.upper);
    ctx.lineTo(x, at.axis + 3);
    ctx.stroke();
    ctx.fillStyle = palette.muted;
    const words = tick === 0 ? "byte 0" : count(tick);
    const wide = ctx.measureText(words).width;
    ctx.fillText(words, Math.max(PAD, Math.min(x - wide / 2, ctx.canvas.clientWidth - PAD - wide)), at.axis + 0.95 * palette.size);
  }
  if (extent === 0) return;
  const end = PAD + (extent - view.from) * view.scale;
  ctx.strokeStyle = palette.line;
  ctx.beginPath();
  ctx.moveTo(PAD, at.axis + 0.5);
  ctx.lineTo(end, at.axis + 0.5);
  ctx.stroke();
  if (!ended) return;
  ctx.fillStyle = palette.muted;
  ctx.fillRect(end, at.upper, 2, at.axis - at.upper);
  if (ctx.canvas.clientWidth - PAD - end > 5 * palette.size) ctx.fillText("closed", end + 8, at.upper + 0.7 * palette.size);
}

/** Who calls what, at the left of each row. @param {CanvasRenderingContext2D} ctx @param {Setting} setting @param {Heights} at */
export function drawTitle(ctx, { palette, titles }, at) {
  ctx.textBaseline = "middle";
  ctx.fillStyle = palette.way;
  ctx.font = `600 ${1.05 * palette.size}px ${palette.sans}`;
  ctx.fillText(titles.upper, PAD, at.upper - 0.8 * palette.size);
  ctx.fillText(titles.lower, PAD, at.under + 0.95 * palette.size);
}

/** Bytes whose calls are not known. @param {CanvasRenderingContext2D} ctx @param {import("./scene.js").Scene["gaps"][0]} gap @param {Setting} setting @param {number} y @param {number} high */
export function drawGap(ctx, gap, { palette, width: all }, y, high) {
  const left = Math.max(gap.x, PAD);
  const width = Math.min(gap.x + gap.width, all - PAD) - left;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, y, width, high);
  ctx.clip();
  ctx.strokeStyle = palette.muted;
  ctx.globalAlpha = 0.55;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (let x = left - high - ((left - high) % 7); x < left + width; x += 7) {
    ctx.moveTo(x, y + high);
    ctx.lineTo(x + high, y);
  }
  ctx.stroke();
  ctx.restore();
  const bytes = plural(gap.bytes, "byte");
  plate(ctx, gap.forgotten ? [`${bytes}: older calls are not kept`, "not kept"] : [`${bytes}: calls not told`, bytes], palette, left, width, y + high / 2);
}

/** The longest of these words that has room, on a plate. @param {CanvasRenderingContext2D} ctx @param {string[]} choices @param {import("./palette.js").Palette} palette @param {number} left @param {number} width @param {number} middle @param {number} [weight] of the type */
export function plate(ctx, choices, palette, left, width, middle, weight = 400) {
  ctx.font = `${weight} ${palette.size}px ${palette.sans}`;
  ctx.textBaseline = "middle";
  const words = choices.find((choice) => ctx.measureText(choice).width + 12 < width);
  if (!words) return;
  const wide = ctx.measureText(words).width + 12;
  ctx.fillStyle = palette.card;
  ctx.beginPath();
  ctx.roundRect(left + (width - wide) / 2, middle - 0.85 * palette.size, wide, 1.7 * palette.size, 4);
  ctx.fill();
  ctx.fillStyle = palette.text;
  ctx.fillText(words, left + (width - wide) / 2 + 6, middle);
}

/** Why a row is empty. @param {CanvasRenderingContext2D} ctx @param {string} words @param {Setting} setting @param {number} y @param {number} high */
export function drawWhy(ctx, words, { palette, width }, y, high) {
  ctx.setLineDash([4, 4]);
  ctx.strokeStyle = palette.muted;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.roundRect(PAD + 0.5, y + 0.5, width - 2 * PAD - 1, high - 1, 4);
  ctx.fillStyle = palette.card;
  ctx.fill();
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.font = `${palette.size}px ${palette.sans}`;
  ctx.fillStyle = palette.muted;
  ctx.textBaseline = "middle";
  const lines = wrapped(ctx, words, width - 2 * PAD - 16).slice(0, 3);
  for (const [place, line] of lines.entries()) ctx.fillText(line, PAD + 8, y + high / 2 + (place - (lines.length - 1) / 2) * 1.35 * palette.size);
}

/** @param {CanvasRenderingContext2D} ctx @param {string} words @param {number} width */
function wrapped(ctx, words, width) {
  /** @type {string[]} */
  const lines = [];
  let line = "";
  for (const word of words.split(" ")) {
    const longer = line ? `${line} ${word}` : word;
    if (line && ctx.measureText(longer).width > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}
