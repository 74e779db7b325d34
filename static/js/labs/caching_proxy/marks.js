/** A verdict's mark beside its name: shape and word, and colour. */

import { el, svg } from "../../dom.js";
import { lookOf } from "./verdicts.js";

/** @param {string} verdict */
export function markOf(verdict) {
  const { mark, filled, colour } = lookOf(verdict);
  const paint = `var(--${colour})`;
  const shape = svg("path", { d: mark, "stroke-width": 2 });
  shape.style.fill = filled ? paint : "none";
  shape.style.stroke = paint;
  return svg("svg", { viewBox: "0 0 16 16", class: "swatch", "aria-hidden": "true" }, shape);
}

/** @param {string} verdict */
export function verdictBadge(verdict) {
  return el("span", { class: "cacheverdict", "data-verdict": verdict, title: lookOf(verdict).short }, markOf(verdict), verdict);
}
