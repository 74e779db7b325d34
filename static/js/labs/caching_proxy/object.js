/** One stored response: its freshness, its fields, its body as text or as a picture, and its variants. */

import { dataPath } from "../../calls.js";
import { el, fill, one, write } from "../../dom.js";
import { clock, count, plural, size } from "../../format.js";
import { mountTabs } from "../../shell.js";
import { freshnessNow } from "./words.js";

/**
 * @typedef {{id: number, url: string, method: string, status: number, media: string, size: number, length: number, complete: boolean,
 *   variant: string, age: number, ttl: number, why: string, invalid: boolean, hits: number, used: number, stored: number, origin: string}} Stored
 *   sizes in bytes, ages in seconds, times in seconds since 1970
 * @typedef {{name: string, value: string}} Field
 * @typedef {{text: string, charset: string, picture: boolean, cut: boolean, note: string}} Preview
 * @typedef {Omit<Stored, never> & {reason: string, headers: Field[], vary: Field[], segments: {start: number, end: number}[], requested: number,
 *   received: number, encoding: string, words: string, storable: string, preview: Preview, variants: number[]}} StoredObject
 */

/**
 * @param {HTMLElement} element @param {StoredObject} object @param {Stored[]} others the other variants of its URL
 * @param {{base: string, purge: Node|null, open: (id: number) => void}} with `base` of the lab's data: /api/v1/instances/ID
 * @returns {(now: number) => void} to be called as time passes, in ms since 1970: freshness runs down
 */
export function showObject(element, object, others, { base, purge, open }) {
  const read = Date.now();
  const had = [...element.querySelectorAll('[role="tab"]')].findIndex((tab) => tab.getAttribute("aria-selected") === "true");
  const file = base + dataPath("body", { id: object.id });
  const panels = /** @type {[string, HTMLElement][]} */ ([["Body", bodyPanel(object, file)], ["Headers", headerPanel(object)], ["All facts", factPanel(object)]]);
  if (others.length) panels.push([`Variants (${others.length + 1})`, variantPanel(object, others, open)]);
  const start = Math.min(Math.max(0, had), panels.length - 1);
  const tabs = el("div", { class: "tabs", role: "tablist", "aria-label": "Views of the object" }, ...panels.map(([name], place) => el("button", { type: "button", role: "tab", id: `objecttab-${place}`, "aria-controls": `object-${place}`, "aria-selected": String(place === start), tabindex: place === start ? "0" : "-1" }, name)));
  const save = object.complete && el("a", { class: "button", href: file, download: true }, "Save the body");
  fill(
    element,
    el("header", {}, el("h3", { tabindex: "-1" }, object.url)),
    el("div", { class: "freshness" }, el("span", { class: "freshwords" }), el("span", { class: "freshbar", "aria-hidden": "true" }, el("i")), el("p", { class: "help" }, `Asked for at ${clock(read / 1000, 0)}: ${object.words}.`)),
    object.variant && el("p", { class: "help" }, `This variant answers requests with ${object.variant}.`),
    el("div", { class: "actions" }, save, purge),
    tabs, ...panels.map(([, panel], place) => el("div", { role: "tabpanel", id: `object-${place}`, "aria-labelledby": `objecttab-${place}`, hidden: place !== start }, panel)),
  );
  mountTabs(tabs);
  const box = one(element, ".freshness");
  return (now) => {
    const { part, state, words } = freshnessNow(object, (now - read) / 1000);
    box.dataset.state = state;
    write(one(box, ".freshwords"), words);
    one(box, ".freshbar i").style.width = `${(100 * part).toFixed(1)}%`;
  };
}

/** @param {StoredObject} object @param {string} file */
function bodyPanel({ preview, media, length, url }, file) {
  const { text, picture, cut, note } = preview;
  if (picture) return el("img", { class: "bodypicture", src: file, alt: `The stored picture of ${url}`, loading: "lazy" });
  const said = [note, cut ? "Its start is shown." : ""].filter(Boolean).join(" ");
  if (!text) return el("p", { class: "empty" }, said || (length ? `${media || "What it is"} cannot be shown here.` : "It has no body."));
  return el("div", {}, said && el("p", { class: "help" }, said), el("pre", { class: "terminal bodytext", tabindex: "0", "aria-label": "The body" }, text));
}

/** @param {StoredObject} object */
function headerPanel({ headers, status, reason }) {
  const rows = headers.flatMap(({ name, value }) => [el("dt", {}, el("code", {}, name)), el("dd", {}, el("code", {}, value || "(empty)"))]);
  return el("div", {}, el("p", {}, el("code", {}, `${status} ${reason}`)), el("dl", { class: "httpfields" }, ...rows));
}

/** @param {StoredObject} object */
function factPanel(object) {
  const facts = /** @type {[string, string][]} */ ([
    ["key", `${object.method} ${object.url}${object.variant ? `, ${object.variant}` : ""}`], ["may be stored", object.storable || "–"], ["type", object.media || "not said"], ["size", sizeWords(object)],
    ["coding", object.encoding || "none"], ["age", `${count(object.age)} s`], ["lifetime", `${count(object.age + object.ttl)} s: ${object.why}`],
    ["hits", count(object.hits)], ["last used", moment(object.used)], ["stored", moment(object.stored)], ["received from the origin", moment(object.received)], ["origin", object.origin || "–"],
    ["parts", object.complete ? "all of it" : object.segments.map(({ start, end }) => `${count(start)} to ${count(end - 1)}`).join(", ")],
  ]);
  return el("dl", { class: "facts" }, ...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** @param {StoredObject} object @param {Stored[]} others @param {(id: number) => void} open */
function variantPanel(object, others, open) {
  const fields = object.vary.map(({ name }) => name).join(", ");
  return el(
    "div", {}, el("p", { class: "help" }, `The origin said Vary: ${fields}. So each of these answers only requests whose fields are the same.`),
    el("ul", { class: "variants" }, el("li", {}, `${variantWords(object)}: this one`), ...others.map((other) => el("li", {}, el("button", { type: "button", onclick: () => open(other.id) }, `${variantWords(other)}: ${size(other.size).join(" ")}, ${plural(other.hits, "hit")}`)))),
  );
}

/** @param {{variant: string}} stored */
function variantWords({ variant }) {
  return variant || "without these fields";
}

/** «1000 bytes», of a partial one «1000 of 5000 bytes». @param {Pick<Stored, "size"|"length"|"complete">} stored */
export function sizeWords({ size: bytes, length, complete }) {
  return complete ? size(bytes).join(" ") : `${size(bytes).join(" ")} of ${size(length).join(" ")}`;
}

/** @param {number} t */
function moment(t) {
  const date = new Date(t * 1000);
  const today = date.toDateString() === new Date().toDateString();
  return `${today ? "" : `${date.toLocaleDateString()} `}${clock(t, 0)}`;
}
