/** A lane on its canvas: ticks, crosses, flags, and the band of states below. */

import { begin, colour, typeSize } from "../../chartbase.js";

/** @typedef {import("./layout.js").Laid} Laid */
/** @typedef {CanvasRenderingContext2D} Brush */

/** The colour of a state's band. Beside it each has a pattern. @type {Record<string, string>} */
const COLOURS = { alive: "good", late: "warn", lost: "loss", dead: "muted", back: "accent" };

/** @type {Map<string, CanvasPattern|null>} */
const patterns = new Map();
document.addEventListener("look", () => patterns.clear());

/**
 * @param {HTMLCanvasElement} canvas @param {Laid} laid @param {number[]} grid x of the axis' lines
 * @param {number|null} chosen x of what is read just now
 */
export function drawLane(canvas, laid, grid, chosen) {
  const made = begin(canvas);
  if (!made) return;
  const { brush, width, height } = made;
  const type = typeSize();
  const strip = Math.round(0.8 * type);
  const floor = height - strip - 2;
  const tall = floor - 1.35 * type;
  brush.fillStyle = colour("grid");
  for (const x of grid) brush.fillRect(Math.round(x), 0, 1, floor);
  for (const band of laid.bands) drawBand(brush, band, floor + 2, strip, floor);
  brush.fillStyle = colour("line");
  brush.fillRect(0, floor, width, 1);
  drawTicks(brush, laid.ticks, floor, tall);
  drawCrosses(brush, laid.crosses, floor, type);
  drawMarks(brush, laid.marks, floor, width, type);
  if (chosen !== null) {
    brush.strokeStyle = colour("text");
    brush.setLineDash([2, 2]);
    line(brush, chosen, 0, chosen, floor);
    brush.setLineDash([]);
  }
}

/** @param {Brush} brush @param {import("./layout.js").Band} band @param {number} y @param {number} strip @param {number} floor */
function drawBand(brush, { x, width, state }, y, strip, floor) {
  const name = COLOURS[state] ?? "grid";
  brush.globalAlpha = state === "dead" ? 0.13 : state === "late" ? 0.1 : 0;
  brush.fillStyle = colour(name);
  if (brush.globalAlpha > 0) brush.fillRect(x, 0, width, floor);
  brush.globalAlpha = 1;
  brush.fillRect(x, y, width, strip);
  const pattern = patternOf(brush, state);
  if (!pattern) return;
  brush.fillStyle = pattern;
  brush.fillRect(x, y, width, strip);
}

/** Late: slanted lines; dead: crossed ones; lost: dots. Alive and back are plain. @param {Brush} brush @param {string} state */
function patternOf(brush, state) {
  if (!["late", "dead", "lost"].includes(state)) return null;
  let made = patterns.get(state);
  if (made === undefined) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const pen = tile.getContext("2d");
    if (!pen) return null;
    pen.strokeStyle = pen.fillStyle = colour("card");
    pen.lineWidth = 1.6;
    if (state === "lost") pen.fillRect(2, 2, 3, 3);
    else for (const shift of [-8, 0, 8]) line(pen, shift, 8, shift + 8, 0);
    if (state === "dead") for (const shift of [-8, 0, 8]) line(pen, shift, 0, shift + 8, 8);
    made = brush.createPattern(tile, "repeat");
    patterns.set(state, made);
  }
  return made;
}

/** @param {Brush} brush @param {import("./layout.js").Tick[]} ticks @param {number} floor @param {number} tall */
function drawTicks(brush, ticks, floor, tall) {
  brush.lineWidth = 1.5;
  for (const { x, height, look } of ticks) {
    const up = height * tall;
    brush.fillStyle = brush.strokeStyle = colour("out");
    if (look === "late") {
      brush.fillStyle = colour("card");
      brush.fillRect(x - 2.5, floor - up, 5, up);
      brush.strokeRect(x - 2.5, floor - up, 5, up);
    } else if (look === "copy") {
      brush.fillRect(x - 1, floor - up, 1.5, up);
      brush.fillRect(x + 2.5, floor - up, 1.5, up);
    } else {
      brush.fillRect(x - 1.25, floor - up, 2.5, up);
      if (look === "overtaken") hook(brush, x, floor - up);
    }
  }
}

/** @param {Brush} brush @param {number} x @param {number} y */
function hook(brush, x, y) {
  brush.beginPath();
  brush.moveTo(x - 7, y + 4.5);
  brush.lineTo(x - 7, y);
  brush.lineTo(x, y);
  brush.moveTo(x - 9.5, y + 2);
  brush.lineTo(x - 7, y + 5);
  brush.lineTo(x - 4.5, y + 2);
  brush.stroke();
}

/** @param {Brush} brush @param {import("./layout.js").Cross[]} crosses @param {number} floor @param {number} type */
function drawCrosses(brush, crosses, floor, type) {
  const r = 0.32 * type;
  const y = floor - r - 3;
  brush.strokeStyle = colour("loss");
  brush.lineWidth = 2;
  brush.beginPath();
  for (const { x } of crosses) {
    brush.moveTo(x - r, y - r);
    brush.lineTo(x + r, y + r);
    brush.moveTo(x + r, y - r);
    brush.lineTo(x - r, y + r);
  }
  brush.stroke();
}

/** Flags, their words where there is room for them. @param {Brush} brush @param {import("./layout.js").Mark[]} marks @param {number} floor @param {number} width @param {number} type */
function drawMarks(brush, marks, floor, width, type) {
  brush.font = `600 ${type}px ${getComputedStyle(document.body).fontFamily}`;
  brush.textBaseline = "middle";
  let free = width;
  for (const { x, kind, words } of [...marks].reverse()) {
    const wide = brush.measureText(words).width + 6;
    const ink = colour(kind === "clock" || kind === "jumped" ? "warn" : "accent");
    brush.fillStyle = brush.strokeStyle = ink;
    brush.lineWidth = 1.5;
    line(brush, x, 1, x, floor);
    brush.beginPath();
    brush.moveTo(x, 1);
    brush.lineTo(x + 7, 4.5);
    brush.lineTo(x, 8);
    brush.fill();
    const right = x + 10 + wide <= free;
    if (!right && (x > free || x - wide < 2)) continue; // no room: the pointer and the table tell
    const left = right ? x + 10 : x - wide - 2;
    brush.fillText(words, left, 0.55 * type + 1);
    free = Math.min(x, left) - 4;
  }
}

/** @param {Brush} brush @param {number} x @param {number} y @param {number} to @param {number} down */
function line(brush, x, y, to, down) {
  brush.beginPath();
  brush.moveTo(x, y);
  brush.lineTo(to, down);
  brush.stroke();
}

/** The time axis below the lanes. @param {HTMLCanvasElement} canvas @param {{x: number, words: string}[]} labels */
export function drawAxis(canvas, labels) {
  const made = begin(canvas);
  if (!made) return;
  const { brush, width, height } = made;
  brush.font = `${typeSize()}px ${getComputedStyle(document.body).fontFamily}`;
  brush.textBaseline = "middle";
  brush.textAlign = "center";
  for (const { x, words } of labels) {
    brush.fillStyle = colour("grid");
    brush.fillRect(Math.round(x), 0, 1, 4);
    const half = brush.measureText(words).width / 2;
    brush.fillStyle = colour("muted");
    if (x - half >= 0 && x + half <= width) brush.fillText(words, x, height / 2 + 2);
  }
}
