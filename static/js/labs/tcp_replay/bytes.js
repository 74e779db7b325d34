/** Bytes as text with a mark for each that is no letter, or in hex; one byte can be pointed at, and places can be cut. Pure. */

import { byteName } from "../../controlbytes.js";
import { decode } from "../../hex.js";

/**
 * @typedef {{kind: "text"|"mark"|"cut"|"break", text: string, at: number, hit: boolean}} Piece text, a mark for a byte that is no
 *   letter, the end of a message, or a new line on the screen; `at` is its first byte, `hit`: it is the byte that is pointed at
 */

const CR = 13;
const LF = 10;

/** The first line of bytes in base64, as text on one line; at most `most` characters. @param {string} head @param {number} [most] */
export function firstLine(head, most = 200) {
  const bytes = decode(head);
  const found = bytes.findIndex((byte) => byte === LF || byte === CR);
  const line = found > 0 ? bytes.subarray(0, found) : bytes;
  return pieces(line.subarray(0, most)).map(({ kind, text }) => (kind === "mark" ? `‹${text}›` : text)).join("");
}

/** Hex digits to bytes. @param {string} hex */
export function fromHex(hex) {
  return Uint8Array.from(hex.match(/[0-9a-f]{2}/gi) ?? [], (pair) => parseInt(pair, 16));
}

/** How long the UTF-8 character at `at` is; 0: there is none. @param {Uint8Array} bytes @param {number} at */
function width(bytes, at) {
  const first = bytes[at];
  const size = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (size === 0 || at + size > bytes.length) return 0;
  for (let next = 1; next < size; next += 1) if ((bytes[at + next] & 0xc0) !== 0x80) return 0;
  return size;
}

const READER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The character, or "" if these bytes are none after all. @param {Uint8Array} bytes */
function letter(bytes) {
  try {
    const text = READER.decode(bytes);
    return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/u.test(text) ? "" : text;
  } catch {
    return "";
  }
}

/**
 * Bytes in pieces to show. A line on the screen ends behind LF, and behind a CR that no LF follows.
 * @param {Uint8Array} bytes @param {{hit?: number|null, cuts?: number[]}} [with] the byte that is pointed at; where messages end
 * @returns {Piece[]}
 */
export function pieces(bytes, { hit = null, cuts = [] } = {}) {
  /** @type {Piece[]} */
  const found = [];
  const ends = new Set(cuts);
  let open = false;
  for (let at = 0; at < bytes.length;) {
    const size = width(bytes, at);
    const text = size ? letter(bytes.subarray(at, at + size)) : "";
    const step = text ? size : 1;
    const here = hit !== null && hit >= at && hit < at + step;
    const last = found.at(-1);
    if (text && open && last && !here) last.text += text;
    else found.push({ kind: text ? "text" : "mark", text: text || byteName(bytes[at]), at, hit: here });
    open = Boolean(text) && !here;
    at += step;
    const ended = bytes[at - 1] === LF || (bytes[at - 1] === CR && bytes[at] !== LF);
    if (ends.has(at)) found.push({ kind: "cut", text: "", at, hit: false });
    if (ended) found.push({ kind: "break", text: "\n", at, hit: false });
    if (ended || ends.has(at)) open = false;
  }
  if (hit !== null && hit >= bytes.length) found.push({ kind: "mark", text: "ends here", at: bytes.length, hit: true });
  return found;
}

/** Where two byte strings part; null: they are equal. @param {Uint8Array} a @param {Uint8Array} b */
export function firstDifference(a, b) {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at += 1) if (a[at] !== b[at]) return at;
  return a.length === b.length ? null : shorter;
}

/**
 * The part of long bytes that is shown: from the start, or around the byte that is pointed at.
 * @param {number} size @param {number} most @param {number|null} hit @returns {[number, number]}
 */
export function windowOf(size, most, hit) {
  if (size <= most) return [0, size];
  const wanted = hit === null || hit < most * 0.75 ? 0 : Math.floor((hit - most / 4) / 16) * 16;
  const start = Math.min(wanted, Math.ceil((size - most) / 16) * 16);
  return [start, Math.min(size, start + most)];
}

/**
 * Bytes as a text to edit: CR, LF and what is no letter as \r, \n and \x1f, and a break on the screen behind each line's end.
 * @param {Uint8Array} bytes
 */
export function escaped(bytes) {
  const short = /** @type {Record<number, string>} */ ({ 10: "\\n", 13: "\\r", 9: "\\t" });
  return pieces(bytes).map(({ kind, text, at }) => {
    if (kind === "break") return at < bytes.length ? "\n" : "";
    if (kind === "text") return text.replaceAll("\\", "\\\\");
    return short[bytes[at]] ?? `\\x${bytes[at].toString(16).padStart(2, "0")}`;
  }).join("");
}

/**
 * Where the nearest recorded request parts from what was asked. Lines that do not count may be of other lengths before
 * that place: then it is looked for in the line that begins alike.
 * @param {Uint8Array} asked @param {Uint8Array} near @param {number} at in what was asked
 */
export function placeInNear(asked, near, at) {
  const same = firstDifference(asked.subarray(0, at), near.subarray(0, at));
  if (same === null) return Math.min(at, near.length);
  const begin = asked.lastIndexOf(LF, at - 1) + 1;
  const line = asked.subarray(begin, at);
  for (let start = 0; start <= near.length - line.length && line.length > 0; start = near.indexOf(LF, start) + 1 || Infinity) {
    if (firstDifference(near.subarray(start, start + line.length), line) === null) return start + line.length;
  }
  return Math.min(same, near.length);
}
