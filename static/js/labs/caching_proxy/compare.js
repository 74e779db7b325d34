/** What came of the form: the fetches through the proxy and the direct one, side by side. */

import { el } from "../../dom.js";
import { milliseconds, plural, size } from "../../format.js";
import { verdictBadge } from "./marks.js";

/**
 * @typedef {{name: string, value: string, meaning: string}} Field
 * @typedef {{way: "proxy"|"direct", number: number, address: string, request: string, status: number|null, phrase: string, version: string,
 *   headers: Field[], verdict: string, meaning: string, reason: string, cache_status: string, via: string, age: number|null, size: number,
 *   sha256: string, framing: string, connect_ms: number|null, first_byte_ms: number|null, total_ms: number|null, faults: string[],
 *   message: string, error: string}} Fetch
 * @typedef {{same_status: boolean, same_bytes: boolean, times_faster: number|null, added: Field[], removed: Field[],
 *   changed: {name: string, direct: string, proxy: string, meaning: string}[], notes: string[]}} Comparison
 * @typedef {{summary: string, url: string, proxy: string, fetches: Fetch[], direct: Fetch|null, no_direct: string,
 *   comparison: Comparison|null, curl: string, error: string}} Result
 */

/** The parts of a fetch's bar in % of the longest: connecting, waiting for the first byte, receiving. Pure. @param {Fetch} fetch @param {number} longest ms */
export function partsOf({ connect_ms: connect, first_byte_ms: first, total_ms: total }, longest) {
  const ends = [connect ?? 0, first ?? connect ?? 0, total ?? first ?? connect ?? 0];
  const whole = Math.max(longest, 1e-9);
  const names = ["connect", "wait", "receive"];
  return ends.map((end, place) => ({ name: names[place], part: (100 * Math.max(0, end - (place ? ends[place - 1] : 0))) / whole }));
}

/** The longest of them, in ms. Pure. @param {Fetch[]} fetches */
export function longestOf(fetches) {
  return Math.max(0, ...fetches.map((fetch) => fetch.total_ms ?? fetch.first_byte_ms ?? fetch.connect_ms ?? 0));
}

/** @param {import("../../types.js").Request} request */
export function fetchSummary(request) {
  const result = /** @type {Result|null} */ (request.result);
  if (!result?.fetches) return null;
  const all = [...result.fetches, ...(result.direct ? [result.direct] : [])];
  const longest = longestOf(all);
  return el(
    "div", { class: "fetched" },
    el("p", { class: "outcome" }, result.summary),
    el("ol", { class: "fetchbars" }, ...all.map((fetch) => fetchBar(fetch, longest))),
    el("ul", { class: "fetchkey", "aria-hidden": "true" }, ...["connect", "wait", "receive"].map((name) => el("li", {}, el("i", { class: name }), { connect: "connect", wait: "until the first byte", receive: "receive" }[name]))),
    result.no_direct && el("p", { class: "help" }, result.no_direct),
    result.comparison && comparisonView(result.comparison),
    result.curl && el("button", { type: "button", class: "copy labelled", "data-copy-text": result.curl, title: result.curl }, "Copy as curl"),
  );
}

/** @param {Fetch} fetch @param {number} longest */
function fetchBar(fetch, longest) {
  const bar = el("span", { class: "length", "aria-hidden": "true" }, ...partsOf(fetch, longest).map(({ name, part }) => {
    const piece = el("i", { class: name });
    piece.style.width = `${part}%`;
    return piece;
  }));
  const way = fetch.way === "direct" ? "Direct" : `Proxy ${fetch.number}`;
  const status = fetch.status === null ? "no answer" : `${fetch.status} ${fetch.phrase}`.trim();
  const times = [fetch.first_byte_ms !== null && `first byte ${milliseconds(fetch.first_byte_ms)}`, `in all ${milliseconds(fetch.total_ms)}`].filter(Boolean).join(", ");
  return el(
    "li", { "data-way": fetch.way },
    el("span", { class: "way" }, way), bar, el("span", { class: "ms" }, milliseconds(fetch.total_ms)),
    el("p", { class: "about" }, fetch.verdict && verdictBadge(fetch.verdict), el("span", {}, `${status}, ${size(fetch.size).join(" ")}, ${times}`), fetch.way === "proxy" && fetch.reason && el("span", { class: "help" }, fetch.reason)),
    fetch.error && el("p", { class: "error" }, fetch.error), fetch.message && el("p", { class: "help said" }, fetch.message),
    ...fetch.faults.map((fault) => el("p", { class: "help" }, fault)),
  );
}

/** @param {Comparison} comparison */
function comparisonView({ same_status: status, same_bytes: bytes, added, removed, changed, notes }) {
  /** @param {string} what @param {boolean} same */
  const verdict = (what, same) => el("span", {}, `${what}: `, el("strong", { class: same ? "same" : "differs" }, same ? "✓ the same" : "≠ not the same"));
  const rows = [
    ...added.map((field) => line("added", field.name, "–", field.value, field.meaning)),
    ...removed.map((field) => line("removed", field.name, field.value, "–", field.meaning)),
    ...changed.map((field) => line("changed", field.name, field.direct, field.proxy, field.meaning)),
  ];
  return el(
    "div", { class: "compared" },
    el("p", { class: "alike" }, "Through the proxy and directly:", verdict("bytes", bytes), verdict("status", status)),
    ...notes.map((note) => el("p", { class: "help" }, note)),
    rows.length > 0 ? el("details", { class: "more", open: true }, el("summary", {}, `${plural(rows.length, "header field")} ${rows.length === 1 ? "differs" : "differ"}`), el("div", { class: "scroll" }, el("table", { class: "fielddiff" }, el("thead", {}, el("tr", {}, ...["", "Field", "Directly", "Through the proxy"].map((words) => el("th", { scope: "col" }, words)))), el("tbody", {}, ...rows)))) : el("p", { class: "help" }, "The header fields are the same."),
  );
}

/** @param {"added"|"removed"|"changed"} what @param {string} name @param {string} direct @param {string} proxy @param {string} meaning */
function line(what, name, direct, proxy, meaning) {
  const mark = { added: "+", removed: "−", changed: "≠" }[what];
  return el("tr", { "data-what": what }, el("td", { class: "mark" }, el("span", { "aria-hidden": "true" }, mark), el("span", { class: "unseen" }, what)), el("th", { scope: "row" }, el("code", {}, name), meaning && el("span", { class: "help" }, meaning)), el("td", { "data-label": "directly" }, el("code", {}, direct)), el("td", { "data-label": "through the proxy" }, el("code", {}, proxy)));
}

/** Each fetch in full: its request, its answer's fields, what the cache said. @param {import("../../types.js").Request} request */
export function fetchDetails(request) {
  const result = /** @type {Result|null} */ (request.result);
  if (!result?.fetches) return null;
  const all = [...result.fetches, ...(result.direct ? [result.direct] : [])];
  return el("div", { class: "exchanges" }, ...all.map((fetch, place) => {
    const fold = el("details", { class: "more exchangefold" }, el("summary", {}, `${fetch.way === "direct" ? "Directly" : `Through the proxy, ${fetch.number}`}: ${fetch.verdict || fetch.status || "no answer"}, ${milliseconds(fetch.total_ms)}`));
    const build = () => fold.open && fold.childElementCount === 1 && fold.append(inFull(fetch));
    fold.addEventListener("toggle", build);
    fold.open = place === 0;
    build();
    return fold;
  }));
}

/** @param {Fetch} fetch */
function inFull(fetch) {
  const rows = fetch.headers.flatMap(({ name, value, meaning }) => [el("dt", {}, el("code", {}, name)), el("dd", {}, el("code", {}, value || "(empty)"), meaning && el("span", { class: "help" }, meaning))]);
  return el(
    "div", { class: "exchange sides" },
    el("section", { class: "side asked" }, el("h4", {}, `Sent to ${fetch.address}`), el("pre", { class: "terminal", tabindex: "0" }, fetch.request)),
    el("section", { class: "side answered" }, el("h4", {}, "Response"), fetch.status !== null && el("p", {}, el("code", {}, `${fetch.version} ${fetch.status} ${fetch.phrase}`)),
      fetch.verdict && el("p", {}, verdictBadge(fetch.verdict), " ", fetch.meaning), el("dl", { class: "httpfields" }, ...rows),
      el("p", { class: "help" }, [fetch.framing, fetch.sha256 && `SHA-256 ${fetch.sha256.slice(0, 16)}…`].filter(Boolean).join(" "))),
  );
}
