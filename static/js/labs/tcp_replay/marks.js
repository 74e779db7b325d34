/** An outcome's mark beside its word: shape, word and colour; and the small signs of the faults. */

import { el, svg } from "../../dom.js";
import { lookOf } from "./outcomes.js";

/** @param {string} outcome */
export function markOf(outcome) {
  const { mark, filled, colour } = lookOf(outcome);
  const paint = `var(--${colour})`;
  const shape = svg("path", { d: mark, "stroke-width": 2, "stroke-linejoin": "round", "stroke-linecap": "round" });
  shape.style.fill = filled ? paint : "none";
  shape.style.stroke = paint;
  return svg("svg", { viewBox: "0 0 16 16", class: "swatch", "aria-hidden": "true" }, shape);
}

/** @param {string} outcome */
export function outcomeBadge(outcome) {
  return el("span", { class: "outcomebadge", "data-outcome": outcome, title: lookOf(outcome).words }, markOf(outcome), lookOf(outcome).word);
}

/** @type {Record<"clock"|"narrow"|"cut"|"stop", string>} */
const SIGNS = {
  clock: "M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12zM8 5v3.2l2.4 1.6",
  narrow: "M1 3c4 0 4 3.5 7 3.5S11 3 15 3M1 13c4 0 4-3.5 7-3.5S11 13 15 13",
  cut: "M1 8h3M6.5 8h3M12 8h3M5.2 4v8M10.8 4v8",
  stop: "M3.5 3.5l9 9M12.5 3.5l-9 9",
};

/** @param {import("./words.js").Fault} fault */
export function faultSign({ icon }) {
  return svg("svg", { viewBox: "0 0 16 16", class: "sign", "aria-hidden": "true" }, svg("path", { d: SIGNS[icon], fill: "none", stroke: "currentColor", "stroke-width": 1.7, "stroke-linecap": "round" }));
}
