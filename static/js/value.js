/** Any value that the dashboard answers with, as text: plain fields, lists, tables. */

import { el } from "./dom.js";
import { count, title } from "./format.js";
import { grid, named, scalars, shown } from "./resulttable.js";

const LINES = 500;

/** @typedef {"nothing"|"plain"|"list"|"table"|"fields"} Shape */

/** How a value is best shown. Pure. @param {any} value @returns {Shape} */
export function shapeOf(value) {
  if (value === null || value === undefined || value === "") return "nothing";
  if (Array.isArray(value)) {
    if (value.length === 0) return "nothing";
    return value.every((entry) => entry !== null && typeof entry === "object" && !Array.isArray(entry)) ? "table" : "list";
  }
  if (typeof value !== "object") return "plain";
  return Object.keys(value).length ? "fields" : "nothing";
}

/** @param {any} value @param {string} [nothing] what stands there if it is empty @returns {HTMLElement} */
export function valueView(value, nothing = "Nothing there.") {
  switch (shapeOf(value)) {
    case "nothing":
      return el("p", { class: "empty" }, nothing);
    case "table":
      return grid(value);
    case "list":
      return list(value);
    case "fields":
      return fieldsView(value);
    default:
      return el("p", { class: "plain" }, shown(value, ""));
  }
}

/** @param {any[]} values */
function list(values) {
  const lines = values.slice(0, LINES).map((value) => el("li", {}, inWords(value)));
  const more = values.length > LINES && el("p", { class: "help" }, `The first ${count(LINES)} of ${count(values.length)}.`);
  return el("div", { class: "scroll" }, el("ol", { class: "lines" }, ...lines), more || null);
}

/** The plain fields together, then each list and object under its name. @param {Record<string, any>} value */
function fieldsView(value) {
  const nested = Object.entries(value).filter(([, entry]) => entry !== null && typeof entry === "object");
  const plain = Object.keys(value).length > nested.length;
  const parts = nested.flatMap(([name, entry]) => [el("h4", {}, named(name)[0] || title(name)), valueView(entry)]);
  return el("div", { class: "value" }, plain && scalars(value, false), ...parts);
}

/** @param {any} value */
function inWords(value) {
  return value !== null && typeof value === "object" ? JSON.stringify(value) : shown(value, "");
}
