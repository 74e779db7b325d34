/** Where each framing would end messages in recorded bytes: a ribbon for each, to compare and to choose from. */

import { el, fill, svg } from "../../dom.js";
import { plural } from "../../format.js";
import { textView } from "./sides.js";
import { cutWords, FRAMINGS, partsOf } from "./words.js";

const WIDE = 600;
const HIGH = 16;
const MOST = 200;

/**
 * @typedef {{name: string, bytes: Uint8Array, cuts: Record<string, number[]>}} Stream what one side said, and where each framing cuts it
 */

/** @param {Stream[]} streams @param {string} present the framing that is set */
export function framingView(streams, present) {
  const shown = streams.filter(({ bytes }) => bytes.length > 0);
  if (!shown.length) return el("p", { class: "empty" }, "No bytes, so nothing to cut.");
  let stream = shown[0];
  let framing = present;
  const rows = el("div", { class: "framings", role: "group", "aria-label": "Framings" });
  const text = el("div", { class: "cuttext" });
  const buttons = shown.map((entry) => el("button", { type: "button", "aria-pressed": "false", onclick: () => { stream = entry; show(); } }, `${entry.name} (${plural(entry.bytes.length, "byte")})`));
  const choice = el("span", { class: "segments", role: "group", "aria-label": "Which side" }, ...buttons);
  /** @type {Map<string, {button: HTMLButtonElement, ribbon: HTMLElement, said: HTMLElement}>} */
  const lines = new Map(FRAMINGS.map(([name, words]) => {
    const ribbon = el("span", { class: "ribbonbox" });
    const said = el("span", { class: "said" });
    const button = el("button", { type: "button", "aria-pressed": "false", title: `A message ends ${words}`, onclick: () => { framing = name; show(); } }, el("b", {}, name), ribbon, said);
    return [name, { button, ribbon, said }];
  }));
  fill(rows, ...[...lines.values()].map(({ button }) => button));

  function show() {
    for (const [place, button] of buttons.entries()) button.setAttribute("aria-pressed", String(shown[place] === stream));
    for (const [name, { button, ribbon, said }] of lines) {
      const cuts = cutsIn(stream, name);
      button.setAttribute("aria-pressed", String(name === framing));
      fill(ribbon, ribbonOf(cuts, stream.bytes.length));
      fill(said, cutWords(cuts, stream.bytes.length, name), name === present && el("small", {}, " set now"));
    }
    const words = FRAMINGS.find(([name]) => name === framing)?.[1] ?? "";
    fill(text, el("p", { class: "help" }, `A message ends ${words}.${framing === "pause" ? " Pauses are not in the bytes: where they were, only the clock knew." : ""}`), textView(stream.bytes, { cuts: cutsIn(stream, framing) }));
  }
  show();
  return el("div", { class: "framing" }, shown.length > 1 && choice, rows, text);
}

/** @param {Stream} stream @param {string} name */
function cutsIn({ bytes, cuts }, name) {
  return name === "connection" ? [bytes.length] : (cuts[name] ?? []);
}

/** @param {number[]} cuts @param {number} total */
function ribbonOf(cuts, total) {
  const scale = WIDE / Math.max(1, total);
  const parts = partsOf(cuts, total);
  const drawn = parts.length > MOST ? parts.slice(0, MOST) : parts;
  const boxes = drawn.map(({ from, to, whole }, place) => svg("rect", { x: (from * scale).toFixed(2), y: 1, width: Math.max(0.5, (to - from) * scale).toFixed(2), height: HIGH - 2, class: whole ? (place % 2 ? "odd" : "even") : "open" }));
  const ends = drawn.filter(({ whole }) => whole).map(({ to }) => svg("path", { d: `M${(to * scale).toFixed(2)} 0V${HIGH}`, class: "end" }));
  return svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", class: "ribbon", "aria-hidden": "true" }, ...boxes, ...ends);
}
