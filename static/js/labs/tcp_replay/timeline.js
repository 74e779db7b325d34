/** What came of the raw client: every send and every receive on one line of time, with its bytes. */

import { el, svg } from "../../dom.js";
import { milliseconds, plural } from "../../format.js";
import { fromHex } from "./bytes.js";
import { hexView, textView } from "./sides.js";
import { sizeWords } from "./words.js";

/**
 * @typedef {{at_ms: number, size: number, text: string, hex: string}} Piece the hex of a long one is its start
 * @typedef {{summary: string, sends: Piece[], receives: Piece[], ended_by: string, sent: number, received: number, send_calls: number,
 *   recv_calls: number, connect_ms: number|null, first_ms: number|null, total_ms: number, cut: boolean, hint: string, error: string}} Result
 * @typedef {{way: "out"|"back"|"mark", at: number, words: string, piece: Piece|null}} Moment
 */

const OPEN = 2000;

/** @type {Record<string, string>} */
const ENDS = { server: "The server ended the connection.", we: "We ended the connection.", timeout: "Nothing came any more.", reset: "The connection was reset." };

/** All that happened, in order. Pure. @param {Result} result @returns {Moment[]} */
export function momentsOf({ sends, receives, connect_ms: connect, ended_by: ended, total_ms: total }) {
  const piece = (/** @type {"out"|"back"} */ way) => (/** @type {Piece} */ entry) => ({ way, at: entry.at_ms, words: way === "out" ? "sent" : "received", piece: entry });
  const all = [...sends.map(piece("out")), ...receives.map(piece("back"))].sort((a, b) => a.at - b.at);
  const mark = (/** @type {number} */ at, /** @type {string} */ words) => ({ way: /** @type {"mark"} */ ("mark"), at, words, piece: null });
  return [...(connect === null || connect === undefined ? [] : [mark(connect, "Connected.")]), ...all, ...(ENDS[ended] ? [mark(total, ENDS[ended])] : [])];
}

/** @param {import("../../types.js").Request} request */
export function runSummary(request) {
  const result = /** @type {Result|null} */ (request.result);
  if (!result?.sends) return null;
  const moments = momentsOf(result);
  return el(
    "div", { class: "ranby" }, el("p", { class: "outcome" }, result.summary), result.hint && el("p", { class: "help" }, result.hint),
    strip(moments, result.total_ms), momentList(moments, false), result.cut && el("p", { class: "help" }, "More was sent or came than is shown: only the first bytes are kept."),
  );
}

/** The same with the bytes in hex. @param {import("../../types.js").Request} request */
export function runDetails(request) {
  const result = /** @type {Result|null} */ (request.result);
  return result?.sends ? el("div", { class: "ranby" }, momentList(momentsOf(result), true)) : null;
}

/** @param {Moment[]} moments @param {boolean} hex */
function momentList(moments, hex) {
  let shown = 0;
  return el("ol", { class: "moments" }, ...moments.map((moment) => {
    shown += moment.piece?.size ?? 0;
    return momentView(moment, hex, shown < OPEN || moment === moments.find(({ way }) => way === "back"));
  }));
}

/** @param {Moment} moment @param {boolean} hex @param {boolean} open */
function momentView({ way, at, words, piece }, hex, open) {
  const time = el("span", { class: "ms" }, milliseconds(at));
  if (!piece) return el("li", { "data-way": way }, time, el("span", { class: "sign", "aria-hidden": "true" }, "·"), el("span", { class: "words" }, words));
  const bytes = fromHex(piece.hex);
  const view = () => el("div", {}, hex ? hexView(bytes) : textView(bytes), bytes.length < piece.size ? el("p", { class: "help" }, `The first ${plural(bytes.length, "byte")}.`) : "");
  const fold = el("details", { open }, el("summary", {}, el("span", { class: "words" }, words), " ", sizeWords(piece.size)));
  const build = () => fold.open && fold.childElementCount === 1 && fold.append(view());
  fold.addEventListener("toggle", build);
  build();
  return el("li", { "data-way": way }, time, el("span", { class: "sign", "aria-hidden": "true" }, way === "out" ? "→" : "←"), fold);
}

/** The line of time: sends above it, receives below, at their moments. @param {Moment[]} moments @param {number} total ms */
function strip(moments, total) {
  const whole = Math.max(total, moments.at(-1)?.at ?? 0, 1e-6);
  const x = (/** @type {number} */ at) => (8 + (584 * at) / whole).toFixed(1);
  const most = Math.max(1, ...moments.map(({ piece }) => piece?.size ?? 0));
  const ticks = moments.slice(0, 400).map(({ way, at, piece }) => {
    if (!piece) return svg("circle", { cx: x(at), cy: 30, r: 4, class: "dot" });
    const tall = 8 + 16 * Math.sqrt(piece.size / most);
    return svg("path", { d: way === "out" ? `M${x(at)} 30v${-tall.toFixed(1)}` : `M${x(at)} 30v${tall.toFixed(1)}`, class: way });
  });
  return el(
    "figure", { class: "timestrip" },
    svg("svg", { viewBox: "0 0 600 60", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", { d: "M4 30H596", class: "axis" }), ...ticks),
    el("figcaption", { class: "help" }, el("span", {}, "0 ms"), el("span", { class: "out" }, "above: sent →"), el("span", { class: "back" }, "below: ← received"), el("span", {}, milliseconds(whole))),
  );
}
