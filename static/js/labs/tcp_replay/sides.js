/** Bytes on the page: as text with its line ends marked, or in hex; and two sides beside each other with a switch. */

import { el, fill } from "../../dom.js";
import { count, plural } from "../../format.js";
import { hexRows } from "../../hex.js";
import { pieces, windowOf } from "./bytes.js";
import { sizeWords } from "./words.js";

const TEXT = 16_384;
const HEX = 4_096;
const KEY = "socketlab.replay.hex";

/**
 * @typedef {{title: string, bytes: Uint8Array, size: number, way: "out"|"back"|"", hit?: number|null, cuts?: number[], note?: string|Node,
 *   empty?: string, more?: Node|null|false}} Side `size`: how many bytes there were, of which `bytes` are known; `hit` is pointed at
 */

/** @param {Uint8Array} bytes @param {{hit?: number|null, cuts?: number[]}} [with] */
export function textView(bytes, { hit = null, cuts = [] } = {}) {
  const [from, to] = windowOf(bytes.length, TEXT, hit);
  const shown = pieces(bytes.subarray(from, to), { hit: hit === null ? null : hit - from, cuts: cuts.map((at) => at - from) }).map((piece) => {
    if (piece.kind === "cut") return el("span", { class: "cutmark", role: "img", "aria-label": "a message ends here" });
    if (piece.kind === "break") return "\n";
    const text = piece.kind === "mark" ? el("span", { class: "byte" }, piece.text) : piece.text;
    return piece.hit ? el("mark", { class: "differs", title: `byte ${from + piece.at}` }, text) : text;
  });
  return el("pre", { class: "terminal raw", tabindex: "0" }, from > 0 && `… ${count(from)} bytes before\n`, ...shown, to < bytes.length && `\n… ${count(bytes.length - to)} bytes more`);
}

/** @param {Uint8Array} bytes @param {{hit?: number|null}} [with] */
export function hexView(bytes, { hit = null } = {}) {
  const [from, to] = windowOf(bytes.length, HEX, hit);
  const rows = hexRows(bytes.subarray(from, to)).map((row, place) => {
    const start = from + 16 * place;
    const here = hit !== null && hit >= start && hit < start + 16 ? hit - start : -1;
    const at = here < 0 ? 0 : 3 * here + (here > 7 ? 1 : 0);
    return el(
      "div", { class: "hexrow" }, el("span", { class: "offset" }, start.toString(16).padStart(4, "0")),
      el("span", { class: "hex" }, ...pointed(row.hex, here < 0 ? -1 : at, 2)), el("span", { class: "ascii" }, ...pointed(row.text, here, 1)),
    );
  });
  const missing = bytes.length - (to - from);
  return el("div", { class: "hexdump", tabindex: "0", role: "group", "aria-label": "The bytes in hex and as text" }, ...rows, missing > 0 && el("p", { class: "help" }, `${count(missing)} bytes are not shown.`));
}

/** @param {string} text @param {number} at −1: nowhere @param {number} size */
function pointed(text, at, size) {
  return at < 0 ? [text] : [text.slice(0, at), el("mark", { class: "differs" }, text.slice(at, at + size)), text.slice(at + size)];
}

/** Sides beside each other, as text or in hex: the choice holds for all, and is kept. @param {Side[]} sides */
export function sidesView(sides) {
  const grid = el("div", { class: "bothsides", "data-count": sides.length });
  const buttons = ["Text", "Hex"].map((words, place) => el("button", { type: "button", "aria-pressed": "false", onclick: () => show(place === 1, true) }, words));
  /** @param {boolean} hex @param {boolean} keep */
  function show(hex, keep) {
    if (keep) localStorage.setItem(KEY, hex ? "hex" : "text");
    for (const [place, button] of buttons.entries()) button.setAttribute("aria-pressed", String((place === 1) === hex));
    fill(grid, ...sides.map((side) => sideView(side, hex)));
  }
  show(localStorage.getItem(KEY) === "hex", false);
  return el("div", { class: "sidesview" }, el("span", { class: "segments", role: "group", "aria-label": "How bytes are shown" }, ...buttons), grid);
}

/** @param {Side} side @param {boolean} hex */
function sideView({ title, bytes, size, way, hit = null, cuts = [], note, empty, more }, hex) {
  const cut = bytes.length < size ? `The first ${plural(bytes.length, "byte")} of ${count(size)}.` : "";
  return el(
    "section", { class: `side ${way}` }, el("h4", {}, title, " ", el("span", { class: "figures" }, sizeWords(size))),
    bytes.length === 0 && hit === null ? el("p", { class: "empty" }, empty ?? "No bytes.") : hex ? hexView(bytes, { hit }) : textView(bytes, { hit, cuts }),
    cut && el("p", { class: "help" }, cut), note && el("p", { class: "help" }, note), more,
  );
}
