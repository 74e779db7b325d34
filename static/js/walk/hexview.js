/** A frame's bytes in hex and as text; a range of them can be lit, and each can be pointed at, by hand or by key. */

import { el, fill } from "../dom.js";
import { plural } from "../format.js";
import { extent, letter, pair } from "../hex.js";

const LINE = 16;
const FIRST = 640;
const MOST = 8192;

/** @param {Uint8Array} bytes @param {(byte: number, pin: boolean) => void} pointed -1: at none */
export function createHex(bytes, pointed) {
  const lines = el("div", { class: "frame", tabindex: "0", role: "group", "aria-label": "The frame’s bytes. Arrow keys go from byte to byte." });
  const note = el("p", { class: "help" });
  /** @type {HTMLElement[]} */
  let hex = [];
  /** @type {HTMLElement[]} */
  let text = [];
  /** @type {[number, number]|null} */
  let lit = null;
  let cursor = -1;

  /** @param {number} most */
  function draw(most) {
    const shown = bytes.subarray(0, most);
    hex = Array.from(shown, (byte, at) => el("i", { "data-byte": at }, pair(byte)));
    text = Array.from(shown, (byte, at) => el("i", { "data-byte": at }, letter(byte)));
    const rows = [];
    for (let start = 0; start < shown.length; start += LINE) {
      rows.push(el("div", { class: "frameline" }, el("span", { class: "offset" }, start.toString(16).padStart(4, "0")), el("span", { class: "hexes" }, ...hex.slice(start, start + LINE)), el("span", { class: "texts" }, ...text.slice(start, start + LINE))));
    }
    fill(lines, ...rows);
    const left = bytes.length - shown.length;
    fill(note, bytes.length <= FIRST ? plural(bytes.length, "byte") : extent(shown.length, bytes.length), left > 0 && shown.length < MOST && el("button", { type: "button", class: "quiet", onclick: () => draw(MOST) }, "Show more"));
    light(lit);
  }

  /** Light the bytes [from, to). @param {[number, number]|null} range */
  function light(range) {
    for (const list of [hex, text]) {
      for (let at = lit?.[0] ?? 0; lit && at < Math.min(lit[1], list.length); at += 1) list[at].classList.remove("on");
      for (let at = range?.[0] ?? 0; range && at < Math.min(range[1], list.length); at += 1) list[at].classList.add("on");
    }
    lit = range;
  }

  /** @param {Event} event */
  const byteOf = (event) => {
    const at = /** @type {HTMLElement} */ (event.target).closest("[data-byte]");
    return at instanceof HTMLElement ? Number(at.dataset.byte) : -1;
  };
  lines.addEventListener("pointerover", (event) => pointed(byteOf(event), false));
  lines.addEventListener("pointerleave", () => pointed(-1, false));
  lines.addEventListener("click", (event) => byteOf(event) >= 0 && pointed(byteOf(event), true));
  lines.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: LINE, ArrowUp: -LINE }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    hex[cursor]?.classList.remove("here");
    cursor = cursor < 0 ? 0 : Math.max(0, Math.min(hex.length - 1, cursor + step));
    hex[cursor]?.classList.add("here");
    hex[cursor]?.scrollIntoView({ block: "nearest" });
    pointed(cursor, true);
  });
  draw(FIRST);
  return { element: el("div", { class: "framebox" }, el("h4", {}, "Bytes of the frame"), lines, note), light };
}
