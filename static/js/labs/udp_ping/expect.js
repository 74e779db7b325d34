/** The losses to expect beside those measured. */

import { call } from "../../api.js";
import { el, fill, svg } from "../../dom.js";
import { count, number, percent, plural } from "../../format.js";

/** @typedef {{count: number, percent: number, low: number, high: number}} Expected */

/** @param {string} instance @param {number} pings @returns {Promise<Expected|null>} */
export async function expectedOf(instance, pings) {
  const answer = await call("GET", `/instances/${instance}/data/expected?count=${pings}`).catch(() => null);
  return answer?.value ?? null;
}

/** «10 pings at 30 %: 1 to 6 lost is normal» Pure. @param {Expected} expected */
export function expectedWords({ count: pings, percent: loss, low, high }) {
  const range = low === high ? count(low) : `${count(low)} to ${count(high)}`;
  return `${plural(pings, "ping")} at ${percent(loss)}: ${range} lost is normal`;
}

/**
 * How the measured compares. Pure.
 * @param {Expected} expected @param {number} lost @param {number} [other] of these late or garbled: no loss of the simulated network
 */
export function verdict({ low, high }, lost, other = 0) {
  if (lost > high && lost - other <= high) return `More than that, but ${count(other)} of them came late or garbled, which count as lost too.`;
  if (lost < low) return "Fewer than usual: about one run in 40 is so lucky.";
  if (lost > high) return "More than usual: about one run in 40 is so unlucky, or the network itself loses some, or replies came late.";
  return "What was measured is within it.";
}

/** A bar from 0 to all, the normal range shaded, the measured number marked. @param {Expected} expected @param {number} lost */
export function rangeBar({ count: pings, low, high }, lost) {
  const x = (/** @type {number} */ value) => 6 + (288 * value) / pings;
  const label = `${lost} lost; ${low} to ${high} of ${pings} is normal`;
  return svg(
    "svg", { viewBox: "0 0 300 34", class: "range", role: "img", "aria-label": label },
    svg("rect", { x: 6, y: 8, width: 288, height: 8, rx: 4, class: "track" }),
    svg("rect", { x: x(low) - 3, y: 8, width: x(high) - x(low) + 6, height: 8, rx: 4, class: "normal" }),
    svg("path", { d: `M${x(lost)} 4v16`, class: "here" }),
    textAt(6, "start", "0"), textAt(294, "end", count(pings)), textAt(Math.min(270, Math.max(30, x(lost))), "middle", `${number(lost)} lost`),
  );
}

/** @param {number} x @param {string} anchor @param {string} words */
function textAt(x, anchor, words) {
  const text = svg("text", { x, y: 31, "text-anchor": anchor });
  text.textContent = words;
  return text;
}

/** The summary of a run: its large numbers, and the range to expect. @param {import("../../types.js").Request} request */
export function summaryOf(request) {
  const result = /** @type {Record<string, any>} */ (request.result);
  const rtt = [result.rtt_min_ms, result.rtt_avg_ms, result.rtt_max_ms, result.rtt_mdev_ms];
  const place = el("div", { class: "expected" });
  expectedOf(request.instance, result.transmitted).then((expected) => {
    if (!expected) return;
    fill(place, el("p", {}, el("strong", {}, `${expectedWords(expected)}.`), ` ${verdict(expected, result.lost, result.late + result.corrupted)}`), rangeBar(expected, result.lost));
  });
  const oddities = [["late", result.late], ["garbled", result.corrupted], ["doubled", result.duplicates], ["overtaken", result.reordered]]
    .filter(([, value]) => value).map(([word, value]) => `${value} ${word}`).join(", ");
  return el(
    "div", { class: "pingsummary" },
    el("p", { class: "big" }, el("strong", {}, percent(result.loss_percent)), ` lost: ${result.lost} of ${plural(result.transmitted, "ping")}`),
    place,
    result.rtt_avg_ms !== null && el("p", {}, "Round trip min / avg / max / mdev: ", el("strong", { class: "figures" }, rtt.map((value) => value?.toFixed(3) ?? "–").join(" / ")), " ms"),
    result.rtt_avg_ms === null && el("p", {}, "Not one reply came, so there is no round-trip time."),
    oddities && el("p", { class: "help" }, `Of these: ${oddities}.`),
  );
}
