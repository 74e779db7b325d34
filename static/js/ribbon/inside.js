/** What stands inside a block: the call's number and size, its bytes, and what became of them. */

import { byteName } from "../controlbytes.js";
import { count } from "../format.js";
import { isLetter } from "../hex.js";
import { PAD } from "./scene.js";
import { bytes, headOf, numberOf } from "./words.js";

/** @typedef {import("./palette.js").Palette} Palette */
/** @typedef {import("./row.js").Call} Call */

/** A monospaced letter's width, in parts of its size. */
const LETTER = 0.602;
const LEGIBLE = 16;
/** Bytes are written this much larger at the most, where they have room. */
const LARGEST = 1.5;

/** @type {WeakMap<Call, Uint8Array>} */
const heads = new WeakMap();

/**
 * @param {CanvasRenderingContext2D} ctx @param {import("./scene.js").Box} box @param {import("./words.js").Level} level
 * @param {import("./layout.js").View} view @param {import("./draw.js").Setting} setting @param {number} y @param {number} high
 */
export function drawInside(ctx, box, level, view, setting, y, high) {
  const { palette, rows, width: all } = setting;
  const left = Math.max(box.x + 2, PAD) + 4;
  const right = Math.min(box.x + box.width - 2, all - PAD) - 4;
  if (right - left < LEGIBLE - 8) return;
  const call = rows[level].calls[box.place];
  const step = (high - 5) / 3;
  const line = (/** @type {number} */ place) => y + 2.5 + step * (place + 0.5);
  const [first, text, tag] = level === "upper" ? [0, 1, 2] : [1, 2, 0];
  ctx.textBaseline = "middle";
  ctx.fillStyle = palette.text;
  ctx.font = `600 ${palette.size}px ${palette.sans}`;
  const asked = level === "lower" && call.asked ? [`${numberOf(call)} · ${bytes(call.size)} of recv(${call.asked})`] : [];
  longest(ctx, [...asked, `${numberOf(call)} · ${bytes(call.size)}`, `${numberOf(call)} · ${count(call.size)}`, numberOf(call)], left, right, line(first));
  if (box.shared > 1) {
    const verb = level === "upper" ? "cut in" : "joined";
    longest(ctx, [`${verb} ${count(box.shared)}`, level === "upper" ? `÷${box.shared}` : `+${box.shared}`], left, right, line(tag));
  }
  drawBytes(ctx, call, box, view, palette, [left, right], line(text));
}

/** The first of the words that has room. @param {CanvasRenderingContext2D} ctx @param {string[]} choices @param {number} left @param {number} right @param {number} y */
function longest(ctx, choices, left, right, y) {
  const words = choices.find((choice) => ctx.measureText(choice).width <= right - left);
  if (words) ctx.fillText(words, left, y);
}

/** @param {CanvasRenderingContext2D} ctx @param {Call} call @param {import("./scene.js").Box} box @param {import("./layout.js").View} view @param {Palette} palette @param {[number, number]} room @param {number} y */
function drawBytes(ctx, call, box, view, palette, room, y) {
  let head = heads.get(call);
  if (!head) heads.set(call, (head = headOf(call)));
  ctx.font = `${palette.size}px ${palette.mono}`;
  if (view.scale >= LETTER * palette.size + 0.3) byByte(ctx, head, call, box, view, palette, y);
  else if (room[1] - room[0] > 3 * LETTER * palette.size) asRun(ctx, head, call.size, palette, room, y);
}

/** Every byte at its own place: above and below they stand over each other. @param {CanvasRenderingContext2D} ctx @param {Uint8Array} head @param {Call} call @param {import("./scene.js").Box} box @param {import("./layout.js").View} view @param {Palette} palette @param {number} y */
function byByte(ctx, head, call, box, view, palette, y) {
  const { scale } = view;
  const start = Math.max(0, Math.floor(view.from - box.from));
  const end = Math.min(head.length, Math.ceil(view.from + view.width / scale - box.from));
  ctx.textAlign = "center";
  ctx.font = `${Math.max(palette.size, Math.min(LARGEST * palette.size, 0.8 * scale))}px ${palette.mono}`;
  for (let place = start; place < end; place += 1) {
    const middle = box.x + (place + 0.5) * scale;
    if (head[place] === 32) drawSpace(ctx, middle, y, palette);
    else if (isLetter(head[place])) ctx.fillText(String.fromCharCode(head[place]), middle, y);
    else drawName(ctx, byteName(head[place]), middle, y, palette, Math.min(scale - 1.5, 2.2 * palette.size));
  }
  ctx.textAlign = "left";
  if (head.length >= call.size) return;
  const beyond = Math.max(box.x + head.length * scale, PAD) + 4;
  ctx.fillStyle = palette.muted;
  ctx.font = `${palette.size}px ${palette.sans}`;
  const words = `only the first ${head.length} bytes of a call are told`;
  if (beyond + ctx.measureText(words).width < Math.min(box.x + box.width, PAD + view.width)) ctx.fillText(words, beyond, y);
}

/** A space is a byte, too. @param {CanvasRenderingContext2D} ctx @param {number} middle @param {number} y @param {Palette} palette */
function drawSpace(ctx, middle, y, palette) {
  const [half, low] = [0.2 * palette.size, y + 0.38 * palette.size];
  ctx.strokeStyle = palette.edge;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(middle - half, low - 0.15 * palette.size);
  ctx.lineTo(middle - half, low);
  ctx.lineTo(middle + half, low);
  ctx.lineTo(middle + half, low - 0.15 * palette.size);
  ctx.stroke();
}

/** The first bytes, as many as there is room for. @param {CanvasRenderingContext2D} ctx @param {Uint8Array} head @param {number} size @param {Palette} palette @param {[number, number]} room @param {number} y */
function asRun(ctx, head, size, palette, [left, right], y) {
  const letter = LETTER * palette.size;
  let x = left;
  let run = "";
  let place = 0;
  const flush = () => {
    if (run) ctx.fillText(run, x - run.length * letter, y);
    run = "";
  };
  for (; place < head.length; place += 1) {
    const plain = isLetter(head[place]);
    const name = plain ? "" : byteName(head[place]);
    const wide = plain ? letter : (0.45 * name.length + 0.35) * palette.size;
    if (x + wide > right - (place < size - 1 ? letter : 0)) break;
    if (plain) run += String.fromCharCode(head[place]);
    else {
      flush();
      drawName(ctx, name, x + wide / 2, y, palette, wide - 1);
    }
    x += wide;
  }
  flush();
  if (place < size && x + letter <= right + 1) ctx.fillText("…", x, y);
}

/** The name of a byte that is no letter, small, on a plate. @param {CanvasRenderingContext2D} ctx @param {string} name @param {number} middle @param {number} y @param {Palette} palette @param {number} room */
function drawName(ctx, name, middle, y, palette, room) {
  const { font, textAlign } = ctx;
  ctx.fillStyle = palette.card;
  ctx.globalAlpha = 0.75;
  ctx.beginPath();
  ctx.roundRect(middle - room / 2, y - 0.62 * palette.size, room, 1.2 * palette.size, 2);
  ctx.fill();
  ctx.globalAlpha = 1;
  ctx.fillStyle = palette.way;
  ctx.font = `600 ${0.66 * palette.size}px ${palette.sans}`;
  ctx.textAlign = "center";
  ctx.fillText(name, middle, y, room - 1);
  ctx.fillStyle = palette.text;
  ctx.font = font;
  ctx.textAlign = textAlign;
}
