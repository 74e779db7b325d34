/** The ribbon on its canvas: sends above, reads below, the bytes they have in common between them. */

import { count } from "../format.js";
import { drawAxis, drawGap, drawTitle, drawWhy, plate } from "./edges.js";
import { drawInside } from "./inside.js";
import { heightsOf, PAD } from "./scene.js";

/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {import("./scene.js").Box} Box */
/** @typedef {import("./palette.js").Palette} Palette */
/** @typedef {import("./words.js").Level} Level */
/** @typedef {{level: Level, place: number}} Spot one call of a row */
/**
 * @typedef {{rows: import("./model.js").Rows, palette: Palette, picked: Spot|null, titles: Record<Level, string>, why: Record<Level, string>, ended: boolean, width: number}} Setting the sender has `ended`: no byte follows
 */

/** @param {CanvasRenderingContext2D} ctx @param {Scene} scene @param {Setting} setting */
export function drawScene(ctx, scene, setting) {
  const { palette, width } = setting;
  const at = heightsOf(palette.size);
  ctx.clearRect(0, 0, width, at.height);
  ctx.save();
  ctx.beginPath();
  ctx.rect(PAD - 2, 0, width - 2 * PAD + 4, at.height);
  ctx.clip();
  drawAxis(ctx, scene.view, setting, at);
  for (const thread of scene.threads) drawThread(ctx, thread, setting, at);
  for (const gap of scene.gaps) drawGap(ctx, gap, setting, at[gap.level], at.row);
  for (const level of /** @type {Level[]} */ (["upper", "lower"])) {
    for (const box of scene[level]) {
      if (box.count > 1) drawBand(ctx, box, level, setting, at);
      else drawBlock(ctx, box, level, scene, setting, at);
    }
    if (setting.why[level]) drawWhy(ctx, setting.why[level], setting, at[level], at.row);
  }
  ctx.restore();
  drawTitle(ctx, setting, at);
}

/** Whether a box is the picked call, or shares bytes with it. @param {Box} box @param {Level} level @param {Setting} setting */
function standing(box, level, { picked, rows }) {
  if (!picked || box.count > 1) return "";
  if (picked.level === level) return picked.place === box.place ? "picked" : "";
  const call = rows[picked.level].calls[picked.place];
  return call && call.offset < box.to && call.offset + call.size > box.from ? "met" : "";
}

/** @param {CanvasRenderingContext2D} ctx @param {Box} box @param {Level} level @param {Scene} scene @param {Setting} setting @param {ReturnType<typeof heightsOf>} at */
function drawBlock(ctx, box, level, scene, setting, at) {
  const { palette } = setting;
  const role = standing(box, level, setting);
  const inset = insetOf(box);
  const [x, y, width] = [box.x + inset, at[level], box.width - 2 * inset];
  ctx.beginPath();
  ctx.roundRect(x, y, width, at.row, Math.min(4, width / 3));
  ctx.fillStyle = role ? palette.lit : palette.fills[box.place % 2];
  ctx.fill();
  ctx.lineWidth = role === "picked" ? 2.5 : 1;
  ctx.strokeStyle = role === "picked" ? palette.text : palette.edge;
  if (width > 5 || role) ctx.stroke();
  drawSeams(ctx, box, y, palette, at.row);
  if (box.shared > 1) drawBracket(ctx, x, width, level === "upper" ? y + at.row : y, level, palette);
  drawInside(ctx, box, level, scene.view, setting, y, at.row);
}

/** Where the other row's calls divide this one. @param {CanvasRenderingContext2D} ctx @param {Box} box @param {number} y @param {Palette} palette @param {number} high */
function drawSeams(ctx, box, y, palette, high) {
  if (!box.seams.length || box.width / box.seams.length < 4) return;
  ctx.strokeStyle = palette.edge;
  ctx.lineWidth = 1.25;
  ctx.setLineDash([3, 3]);
  ctx.beginPath();
  for (const seam of box.seams) {
    ctx.moveTo(seam, y + 1);
    ctx.lineTo(seam, y + high - 1);
  }
  ctx.stroke();
  ctx.setLineDash([]);
}

/** The sign of a joined read (above it) or of a cut send (under it). @param {CanvasRenderingContext2D} ctx @param {number} x @param {number} width @param {number} y @param {Level} level @param {Palette} palette */
function drawBracket(ctx, x, width, y, level, palette) {
  const turn = level === "upper" ? 1 : -1;
  ctx.strokeStyle = palette.way;
  ctx.lineWidth = 2.5;
  ctx.beginPath();
  ctx.moveTo(x + 1, y + 1.5 * turn);
  ctx.lineTo(x + 1, y + 6 * turn);
  ctx.lineTo(x + Math.max(2, width - 1), y + 6 * turn);
  ctx.lineTo(x + Math.max(2, width - 1), y + 1.5 * turn);
  ctx.stroke();
}

/** Calls too narrow to be told apart: bars, the darker the more. @param {CanvasRenderingContext2D} ctx @param {Box} box @param {Level} level @param {Setting} setting @param {ReturnType<typeof heightsOf>} at */
function drawBand(ctx, box, level, { palette }, at) {
  const most = Math.max(2, ...box.bins.map((bin) => bin.count));
  const y = at[level];
  for (const bin of box.bins) {
    ctx.fillStyle = palette.edge;
    ctx.globalAlpha = 0.25 + (0.45 * bin.count) / most;
    ctx.fillRect(PAD + bin.x, y, Math.max(1, bin.width), at.row);
  }
  ctx.globalAlpha = 1;
  const left = Math.max(box.x, PAD);
  const words = `${count(box.count)} ${level === "upper" ? "sends" : "reads"}`;
  const room = Math.min(box.x + box.width, ctx.canvas.clientWidth - PAD) - left;
  plate(ctx, [words], palette, left, room, y + at.row / 2, 600);
}

/** The bytes that a send and a read have in common. @param {CanvasRenderingContext2D} ctx @param {Scene["threads"][0]} thread @param {Setting} setting @param {ReturnType<typeof heightsOf>} at */
function drawThread(ctx, { x, width, above, below }, setting, at) {
  const { palette } = setting;
  const [top, low] = [at.upper + at.row, at.lower];
  const [up, down] = [edges(x, width, above), edges(x, width, below)];
  const roles = [standing(above, "upper", setting), standing(below, "lower", setting)];
  const bright = roles.includes("picked") && !roles.includes("");
  ctx.fillStyle = bright ? palette.bright : palette.thread[above.place % 2];
  const bend = (low - top) * 0.45;
  ctx.beginPath();
  ctx.moveTo(up[0], top);
  ctx.bezierCurveTo(up[0], top + bend, down[0], low - bend, down[0], low);
  ctx.lineTo(down[1], low);
  ctx.bezierCurveTo(down[1], low - bend, up[1], top + bend, up[1], top);
  ctx.fill();
  if (width < 6) return;
  ctx.strokeStyle = palette.edge;
  ctx.lineWidth = bright ? 1.5 : 0.75;
  ctx.beginPath();
  ctx.moveTo(up[0], top);
  ctx.bezierCurveTo(up[0], top + bend, down[0], low - bend, down[0], low);
  ctx.moveTo(up[1], top);
  ctx.bezierCurveTo(up[1], top + bend, down[1], low - bend, down[1], low);
  ctx.stroke();
}

/** How far a block stands back from its edges, so that neighbours are told apart. @param {Box} box */
function insetOf(box) {
  return box.count > 1 ? 0 : Math.min(2, box.width / 5);
}

/** The edges of a part of a box: it stands back where the box does. @param {number} x @param {number} width @param {Box} box @returns {[number, number]} */
function edges(x, width, box) {
  const inset = insetOf(box);
  return [Math.max(x, box.x + inset), Math.min(x + width, box.x + box.width - inset)];
}
