/** The names of bytes that are no letters: few fonts have the symbols ␍ and ␊. Pure. */

import { pair } from "./hex.js";

/** @type {Record<number, string>} */
const NAMES = { 0: "NUL", 9: "TAB", 10: "LF", 13: "CR", 27: "ESC", 127: "DEL" };

/** CR, LF, TAB, or x1f. @param {number} byte */
export function byteName(byte) {
  return NAMES[byte] ?? `x${pair(byte)}`;
}
