/** One event in full: its fields, and its bytes in hex and as text. */

import { el, fill } from "./dom.js";
import { clock, since } from "./format.js";
import { decode, extent, hexRows } from "./hex.js";

const SKIP = ["n", "t", "kind", "text", "data"];

/**
 * @param {HTMLElement} element @param {import("./traffic.js").Row} row
 * @param {import("./keep.js").Store} store @param {() => void} closed
 */
export function showDetail(element, row, store, closed) {
  const { event } = row;
  const close = el("button", { type: "button", class: "quiet", "aria-label": "Close the details" }, "Close");
  close.addEventListener("click", closed);
  const request = event.request && store.state.requests.find((entry) => entry.id === event.request);
  const pairs = Object.entries(event).filter(([name, value]) => !SKIP.includes(name) && value !== "" && typeof value !== "object");
  const facts = el("dl", { class: "facts" });
  /** @param {string} name @param {string} value */
  const fact = (name, value) => facts.append(el("div", {}, el("dt", {}, name), el("dd", {}, value)));
  fact("time", `${clock(event.t)} (${since(row.since)} s)`);
  for (const [name, value] of pairs) fact(name.replaceAll("_", " "), wayWords(name, value));
  if (row.person) fact("person", request ? request.person : row.person);
  fill(
    element,
    el("header", {}, el("h3", {}, `${event.n} · ${event.kind.replaceAll("_", " ")}`), el("span", { class: "grow" }), close),
    event.text && el("p", { class: "words" }, event.text), facts, event.data && bytes(event.data, event.way),
  );
  element.hidden = false;
  element.scrollIntoView({ block: "nearest" });
}

/** @param {string} name @param {any} value */
function wayWords(name, value) {
  if (name === "way") return value === "to_server" ? "client → server" : "server → client";
  return String(value);
}

/** @param {{head: string, size: number}} data @param {string} [way] */
function bytes(data, way) {
  const head = decode(data.head);
  const rows = hexRows(head).map((row) =>
    el("div", { class: "hexrow" }, el("span", { class: "offset" }, row.offset), el("span", { class: "hex" }, row.hex), el("span", { class: "ascii" }, row.text)));
  return el(
    "div", { class: "bytes", "data-way": way },
    el("p", { class: head.length < data.size ? "extent cut" : "extent" }, extent(head.length, data.size)),
    el("div", { class: "hexdump", tabindex: "0", role: "group", "aria-label": "The bytes in hex and as text" }, ...rows),
  );
}
