/** What came of a request: asked and answered side by side, each field explained; the bytes with their line ends. */

import { byteName } from "../../controlbytes.js";
import { el } from "../../dom.js";
import { count, milliseconds, plural } from "../../format.js";
import { extent, hexRows } from "../../hex.js";

/**
 * @typedef {{name: string, value: string, meaning: string}} Field
 * @typedef {{start_line: string, meaning: string, headers: Field[], size: number, bytes: string}} Asked
 * @typedef {{version: string, status: number|null, reason: string, meaning: string, headers: Field[], raw: string,
 *   framing: string, body_text: string, body_hex: string, body_size: number, body_cut: boolean, faults: string[],
 *   interim: string[]}} Answered
 * @typedef {{connect_ms: number, sent_ms: number|null, first_byte_ms: number|null, total_ms: number|null}} Timing
 * @typedef {{request: Asked, response: Answered|null, timing: Timing, reused: boolean, error: string}} Exchange
 */

const SHOWN = 20_000;

/** @param {import("../../types.js").Request} request @param {import("../../types.js").Page} _page */
export function exchangeSummary(request, _page) {
  return all(request, summaryOf, true);
}

/** The bytes of each exchange. @param {import("../../types.js").Request} request */
export function exchangeDetails(request) {
  return all(request, bytesOf, false);
}

/**
 * Each exchange; several of them folded, all but the first and what went wrong.
 * @param {import("../../types.js").Request} request @param {(exchange: Exchange) => HTMLElement} make @param {boolean} curl
 */
function all(request, make, curl) {
  const exchanges = /** @type {Exchange[]} */ (request.result?.exchanges ?? []);
  const line = curl && request.result?.curl && el("button", { type: "button", class: "copy labelled", "data-copy-text": request.result.curl, title: request.result.curl }, "Copy as curl");
  if (exchanges.length === 1) return el("div", { class: "exchanges" }, make(exchanges[0]), line || null);
  const folds = exchanges.map((exchange, place) => {
    const fold = el("details", { class: "more exchangefold" }, el("summary", {}, `${place + 1}. ${lineOf(exchange)}`));
    const build = () => fold.open && fold.childElementCount === 1 && fold.append(make(exchange));
    fold.addEventListener("toggle", build);
    fold.open = place === 0 || exchange.error !== "";
    build();
    return fold;
  });
  return el("div", { class: "exchanges" }, line || null, ...folds);
}

/** @param {Exchange} exchange */
function lineOf({ response, timing, reused, error }) {
  const what = response?.status ? `${response.status} ${response.reason}` : error ? "no answer" : (response?.version ?? "");
  return `${what}, ${milliseconds(timing.total_ms)}, ${reused ? "on the same connection" : "on a new connection"}`;
}

/** @param {Exchange} exchange */
function summaryOf(exchange) {
  const { request, response, error } = exchange;
  const status = response && el("p", { class: "verdict", "data-class": String(Math.floor((response.status ?? 0) / 100)) }, el("strong", {}, response.status ? `${response.status} ${response.reason}` : response.version || "No HTTP"), " ", response.meaning);
  const faults = response?.faults.length ? el("div", { class: "faults" }, el("h4", {}, plural(response.faults.length, "fault")), el("ul", {}, ...response.faults.map((fault) => el("li", {}, fault)))) : null;
  return el(
    "div", { class: "exchange" }, error && el("p", { class: "error" }, error), status, faults, timingBar(exchange),
    el("div", { class: "sides" }, askedSide(request), response && answeredSide(response)),
  );
}

/** @param {Asked} asked */
function askedSide(asked) {
  return el("section", { class: "side asked" }, el("h4", {}, "Request"), el("p", {}, el("code", {}, asked.start_line)), el("p", { class: "help" }, asked.meaning), fieldTable(asked.headers));
}

/** @param {Answered} answered */
function answeredSide(answered) {
  const line = answered.status === null ? "" : `${answered.version} ${answered.status} ${answered.reason}`;
  const interim = answered.interim.map((words) => el("p", { class: "help" }, `Before it: ${words}`));
  return el(
    "section", { class: "side answered" }, el("h4", {}, "Response"), line && el("p", {}, el("code", {}, line)), ...interim,
    fieldTable(answered.headers), el("p", { class: "help" }, [answered.framing, bodyWords(answered)].filter(Boolean).join(" ")), bodyView(answered),
  );
}

/** Names and values, each with what it says. @param {Field[]} fields */
function fieldTable(fields) {
  const rows = fields.flatMap(({ name, value, meaning }) => [el("dt", {}, el("code", {}, name)), el("dd", {}, el("code", {}, value || "(empty)"), meaning && el("span", { class: "help" }, meaning))]);
  return fields.length ? el("dl", { class: "httpfields" }, ...rows) : el("p", { class: "help" }, "No header fields.");
}

/** @param {Answered} answered */
function bodyWords({ body_size: size, body_cut: cut }) {
  return size ? `The body: ${plural(size, "byte")}${cut ? ", its start shown" : ""}.` : "";
}

/** @param {Answered} answered */
function bodyView({ status, version, body_text: text, body_hex: hex, raw }) {
  if (hex) return hexView(hex);
  const shown = text || (status === null && version === "" ? raw : "");
  return shown ? el("pre", { class: "terminal", tabindex: "0" }, shown.slice(0, SHOWN)) : null;
}

/** @param {string} hex */
function hexView(hex) {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const rows = hexRows(bytes.subarray(0, 1024)).map((row) => `${row.offset}  ${row.hex}  ${row.text}`);
  return el("pre", { class: "terminal", tabindex: "0", title: extent(Math.min(1024, bytes.length), bytes.length) }, rows.join("\n"));
}

/** How the time was spent. Pure. @param {Timing} timing @returns {[string, number][]} what, and ms of it */
export function phases(timing) {
  const marks = /** @type {[string, number|null][]} */ ([["connect", timing.connect_ms], ["send", timing.sent_ms], ["wait", timing.first_byte_ms], ["receive", timing.total_ms]]);
  let before = 0;
  /** @type {[string, number][]} */
  const found = [];
  for (const [name, at] of marks) {
    if (at === null || at === undefined) continue;
    found.push([name, Math.max(0, at - before)]);
    before = Math.max(before, at);
  }
  return found;
}

/** @param {Exchange} exchange */
function timingBar({ timing, reused }) {
  const parts = phases(timing);
  const whole = parts.reduce((sum, [, ms]) => sum + ms, 0) || 1;
  const bar = el("div", { class: "timing", "aria-hidden": "true" }, ...parts.map(([name, ms]) => {
    const part = el("i", { class: name });
    part.style.width = `${(100 * ms) / whole}%`;
    return part;
  }));
  const words = parts.map(([name, ms]) => el("li", { class: name }, el("i", { "aria-hidden": "true" }), name === "connect" && reused ? "connection reused" : `${name} ${milliseconds(ms)}`));
  return el("div", { class: "timed" }, bar, el("ul", {}, ...words, el("li", {}, `in all ${milliseconds(timing.total_ms)}`)));
}

/** @param {Exchange} exchange */
function bytesOf({ request, response }) {
  return el(
    "div", { class: "exchange sides" },
    el("section", { class: "side asked" }, el("h4", {}, `Sent: ${plural(request.size, "byte")}`), rawView(request.bytes)),
    response && el("section", { class: "side answered" }, el("h4", {}, response.status === null ? "Received" : "Received: the head"), rawView(response.raw), response.status !== null && el("p", { class: "help" }, `Then a body of ${count(response.body_size)} bytes.`)),
  );
}

/** Text with a small tag for each byte that is no letter. @param {string} text */
export function rawView(text) {
  const parts = text.slice(0, SHOWN).split(/([\0-\x1f])/).flatMap((part, place) => {
    if (place % 2 === 0) return [part];
    const tag = el("span", { class: "byte" }, byteName(part.charCodeAt(0)));
    return part === "\n" ? [tag, "\n"] : [tag];
  });
  return el("pre", { class: "terminal raw", tabindex: "0" }, ...parts);
}
