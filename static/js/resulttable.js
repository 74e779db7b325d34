/** A result as tables, whatever the lab: its plain fields, and its first list of objects. */

import { el } from "./dom.js";
import { count, msDigits, number, title } from "./format.js";

const ROWS = 2000;

/** A field's name and unit: `rtt_min_ms` is «Rtt min» in ms. Pure. @param {string} name @returns {[string, string]} */
export function named(name) {
  const units = { _ms: "ms", _percent: "%", _s: "s", _bytes: "bytes" };
  for (const [end, unit] of Object.entries(units)) {
    if (name.endsWith(end)) return [title(name.slice(0, -end.length)).replace(/^Rtt/, "Round trip,").replace(/,$/, ""), unit];
  }
  return [title(name), ""];
}

/** A value in words. Pure. @param {any} value @param {string} unit */
export function shown(value, unit) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "object") return JSON.stringify(value);
  if (typeof value !== "number") return String(value);
  if (unit === "ms") return Number.isInteger(value) ? count(value) : msDigits(value);
  return Number.isInteger(value) ? count(value) : number(value, 3);
}

/** The plain fields. @param {Record<string, any>} result @param {boolean} folded */
export function scalars(result, folded) {
  const rows = Object.entries(result).filter(([, value]) => value === null || typeof value !== "object");
  const list = el("dl", { class: "scalars" });
  for (const [name, value] of rows) {
    const [words, unit] = named(name);
    list.append(el("div", {}, el("dt", {}, words), el("dd", {}, shown(value, unit), unit && el("small", {}, ` ${unit}`))));
  }
  return folded ? el("details", { class: "more" }, el("summary", {}, "All numbers"), list) : list;
}

/**
 * The first list of objects; null if there is none.
 * @param {Record<string, any>} result @param {Record<string, string>} [words] the lab's titles
 * @param {Record<string, number>} [cut] the true lengths of lists that came cut
 */
export function resultTable(result, words = {}, cut = {}) {
  const found = Object.entries(result).find(([, value]) => Array.isArray(value) && value.length > 0 && typeof value[0] === "object");
  return found ? grid(found[1], words, cut[found[0]]) : null;
}

/** A list of objects as a table. @param {Record<string, any>[]} list @param {Record<string, string>} [words] titles @param {number} [whole] how many there are in all */
export function grid(list, words = {}, whole = list.length) {
  const names = /** @type {string[]} */ ([...new Set(list.flatMap((/** @type {object} */ row) => Object.keys(row)))]);
  const flags = new Set(names.filter((name) => list.some((/** @type {any} */ row) => typeof row[name] === "boolean")));
  const heads = names.map((name) => {
    const [text, unit] = named(name);
    return el("th", { scope: "col" }, words[name] ?? text, unit && el("small", {}, ` ${unit}`));
  });
  const rows = list.slice(0, ROWS).map((/** @type {Record<string, any>} */ row) =>
    el("tr", { "data-status": row.status }, ...names.map((name) => el("td", {}, shown(row[name] ?? (flags.has(name) ? false : null), named(name)[1])))));
  const more = whole > rows.length && el("p", { class: "help" }, `The first ${count(rows.length)} of ${count(whole)}; the JSON export has all.`);
  return el("div", { class: "scroll" }, el("table", { class: "grid" }, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)), more || null);
}
