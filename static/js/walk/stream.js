/** Follow stream: the bytes of both directions in the order in which they went, ready to be shown. Pure. */

import { count, plural } from "../format.js";
import { decode, hexRows } from "../hex.js";
import { sender } from "./model.js";

/** @typedef {import("./model.js").Way} Way */
/** @typedef {{way: Way, t: number, offset: number, data: string, gap: number}} Piece `data`: base64; `gap`: bytes before it that are missing */
/** @typedef {{way: Way, gap: string, words: string, lines: string[]}} Block one direction's bytes until the other speaks */

/** Characters that are shown: more than one reads, less than a page can bear. */
export const SHOWN = 400_000;

/** @param {Record<string, any>} raw @returns {Piece} */
export function pieceOf(raw) {
  return /** @type {any} */ ({ gap: 0, offset: 0, data: "", ...raw });
}

/**
 * Pieces of one direction that follow each other become one block; a gap begins a new one.
 * @param {Piece[]} pieces @param {"text"|"hex"} as @param {Way|"both"} which @returns {{blocks: Block[], left: number}} `left`: bytes not shown
 */
export function blocksOf(pieces, as, which) {
  /** @type {(Block & {parts: Uint8Array[], offset: number})[]} */
  const blocks = [];
  let room = as === "text" ? SHOWN : Math.floor(SHOWN / 5);
  let left = 0;
  for (const piece of pieces) {
    if (which !== "both" && piece.way !== which) continue;
    const all = decode(piece.data);
    const bytes = all.subarray(0, room);
    room -= bytes.length;
    left += all.length - bytes.length;
    if (!bytes.length && !piece.gap) continue;
    const last = blocks.at(-1);
    if (last && last.way === piece.way && !piece.gap) last.parts.push(bytes);
    else blocks.push({ way: piece.way, gap: gapWords(piece), words: "", lines: [], parts: [bytes], offset: piece.offset });
  }
  for (const block of blocks) {
    const bytes = joined(block.parts);
    block.words = `${sender(block.way)}, ${plural(bytes.length, "byte")}${block.offset ? ` from byte ${count(block.offset)}` : ""}`;
    block.lines = as === "hex" ? hexRows(bytes).map(({ offset, hex, text }) => `${(parseInt(offset, 16) + block.offset).toString(16).padStart(6, "0")}  ${hex}  ${text}`) : [textOf(bytes)];
  }
  return { blocks: blocks.map(({ way, gap, words, lines }) => ({ way, gap, words, lines })), left };
}

/** @param {Piece} piece */
function gapWords({ gap }) {
  return gap ? `${plural(gap, "byte")} not captured` : "";
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** As text, if it is UTF-8, else byte by byte; what cannot be printed is a point. @param {Uint8Array} bytes */
export function textOf(bytes) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    text = Array.from(bytes, (byte) => (byte < 127 ? String.fromCharCode(byte) : "·")).join("");
  }
  return text.replace(/\r\n/g, "\n").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "·");
}
