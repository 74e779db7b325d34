/** The ribbon's colours and type, from the page's own. Kept until the look changes. */

import { colour, typeSize } from "../chartbase.js";

/** @typedef {"to_server"|"to_client"} Way */
/** @typedef {{text: string, muted: string, card: string, line: string, grid: string, accent: string, warn: string, way: string, fills: [string, string], lit: string, edge: string, thread: [string, string], bright: string, size: number, sans: string, mono: string}} Palette */

/** @type {Map<Way, Palette>} */
const known = new Map();
document.addEventListener("look", () => known.clear());

/** @param {Way} way @returns {Palette} */
export function paletteOf(way) {
  const found = known.get(way) ?? made(way);
  known.set(way, found);
  return found;
}

/** @param {Way} way @returns {Palette} */
function made(way) {
  const [card, own] = [colour("card"), colour(way === "to_server" ? "out" : "back")];
  const style = getComputedStyle(document.body);
  return {
    text: colour("text"), muted: colour("muted"), card, line: colour("line"), grid: colour("grid"), accent: colour("accent"), warn: colour("warn"), way: own,
    fills: [mixed(card, own, 0.16), mixed(card, own, 0.3)], lit: mixed(card, own, 0.48), edge: mixed(card, own, 0.75),
    thread: [mixed(card, own, 0.1), mixed(card, own, 0.19)], bright: mixed(card, own, 0.4),
    size: typeSize(), sans: style.fontFamily, mono: colour("mono"),
  };
}

/** A colour between two, as far as `part` says. @param {string} from #rrggbb @param {string} to @param {number} part */
export function mixed(from, to, part) {
  const [a, b] = [channels(from), channels(to)];
  return `rgb(${a.map((value, place) => Math.round(value + (b[place] - value) * part)).join(" ")})`;
}

/** @param {string} hex */
function channels(hex) {
  const digits = hex.length === 4 ? hex.replace(/[0-9a-f]/gi, "$&$&") : hex;
  return [1, 3, 5].map((place) => parseInt(digits.slice(place, place + 2), 16) || 0);
}
