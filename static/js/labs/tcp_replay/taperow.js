/** A line of the tape's list. */

import { el } from "../../dom.js";
import { clock } from "../../format.js";
import { sizeWords } from "./words.js";

/**
 * @typedef {{id: number, at: number, conn: string, number: number, greeting: boolean, request: string, request_size: number,
 *   response: string, response_size: number, chunks: number}} Line `request` and `response`: their starts, escaped
 */

/** @param {Line} line @param {boolean} chosen @param {() => void} open */
export function tapeRow({ id, at, conn, greeting, request, response, response_size: size }, chosen, open) {
  return el("li", {}, el(
    "button", { type: "button", "data-id": id, "aria-current": String(chosen), onclick: open },
    el("span", { class: "number" }, id), el("span", { class: "asked" }, greeting ? el("em", {}, "the server spoke first") : el("code", {}, first(request))),
    el("span", { class: "answered" }, size ? el("code", {}, first(response)) : el("em", {}, "nothing")),
    el("span", { class: "about" }, [at ? clock(at, 0) : "", conn, sizeWords(size)].filter(Boolean).join(" · ")),
  ));
}

/** The first line of an escaped text. @param {string} text */
function first(text) {
  return text.split(/\\r|\\n/, 1)[0] || text.slice(0, 80) || "(no bytes)";
}
