/** One exchange that went by, in full: both sides, what became of it, and of a miss the nearest request on the tape. */

import { call } from "../../api.js";
import { dataPath } from "../../calls.js";
import { el, fill, one } from "../../dom.js";
import { clock, milliseconds, plural } from "../../format.js";
import { decode } from "../../hex.js";
import { firstDifference, fromHex, placeInNear } from "./bytes.js";
import { outcomeBadge } from "./marks.js";
import { lookOf } from "./outcomes.js";
import { sidesView } from "./sides.js";
import { tapeWords } from "./words.js";

/** @typedef {import("./model.js").Exchanged} Exchanged */
/** @typedef {import("./entry.js").Entry} Entry */
/** @typedef {import("./sides.js").Side} Side */

/**
 * The exchange of that number on the tape; null: it is there no more.
 * @param {string} path below /api/v1 @param {number} id @returns {Promise<Entry|null>}
 */
export async function readEntry(path, id) {
  const { value } = await call("GET", path + dataPath("exchange", { id })).catch(() => ({ value: null }));
  return value;
}

/** What the event has of the bytes, or all of them where the tape still has the same. Pure. @param {{head: string, size: number}} told @param {string|undefined} hex */
export function wholeOf(told, hex) {
  const head = decode(told.head);
  if (head.length >= told.size || hex === undefined) return head;
  const whole = fromHex(hex);
  return whole.length === told.size && firstDifference(whole.subarray(0, head.length), head) === null ? whole : head;
}

/**
 * @param {HTMLElement} element @param {Exchanged} entry @param {{path: string, who: string, actions: (Node|false)[], current: () => boolean}} with
 *   `current`: whether it is still the one that is shown
 */
export async function showExchange(element, entry, { path, who, actions, current }) {
  draw(element, entry, who, actions, null, null);
  const asks = /** @type {[number, number]} */ ([entry.tape, entry.outcome === "miss" ? entry.near : 0]);
  if (!asks[1] && !cutShort(entry)) return;
  const [own, near] = await Promise.all(asks.map((id) => (id ? readEntry(path, id) : null)));
  if (current()) draw(element, entry, who, actions, own, near);
}

/** @param {Exchanged} entry */
function cutShort({ sent, received, tape }) {
  return tape > 0 && [sent, received].some(({ head, size }) => decode(head).length < size);
}

/** @param {HTMLElement} element @param {Exchanged} entry @param {string} who @param {(Node|false)[]} actions @param {Entry|null} own @param {Entry|null} near */
function draw(element, entry, who, actions, own, near) {
  const look = lookOf(entry.outcome);
  const had = element.contains(document.activeElement);
  fill(
    element,
    el("header", {}, outcomeBadge(entry.outcome), el("h3", { tabindex: "-1" }, entry.greeting ? "The server spoke first" : entry.first || "No bytes")),
    el("p", { class: "reason" }, entry.reason ? upper(entry.reason) : look.words),
    facts(entry, who), missView(entry, near),
    entry.outcome === "miss" && near ? null : sidesView(sidesOf(entry, own)),
    el("div", { class: "actions" }, ...actions),
  );
  if (had) one(element, "h3").focus({ preventScroll: true });
}

/** @param {Exchanged} entry @param {Entry|null} own @returns {Side[]} */
function sidesOf(entry, own) {
  const { sent, received, greeting, outcome, chunks } = entry;
  return [
    { title: "Request", way: "out", bytes: wholeOf(sent, own?.request.hex), size: sent.size, empty: greeting ? "None: the server spoke first, as soon as the connection was open." : "No bytes." },
    {
      title: "Response", way: "back", bytes: wholeOf(received, own?.response.hex), size: received.size,
      note: chunks > 1 ? `It came in ${plural(chunks, "piece")}.` : "", empty: outcome === "miss" ? "The connection was closed without a byte." : outcome === "unanswered" ? "Nothing came back." : "No bytes.",
    },
  ];
}

/** What was asked, and the nearest that the tape has, with the first byte that differs. @param {Exchanged} entry @param {Entry|null} near */
function missView(entry, near) {
  if (entry.outcome !== "miss" || !near) return null;
  const sent = decode(entry.sent.head);
  const recorded = fromHex(near.request.hex);
  const at = entry.differsAt ?? firstDifference(sent, recorded);
  const there = at === null ? null : placeInNear(sent, recorded, at);
  const known = at !== null && (at < sent.length || sent.length === entry.sent.size);
  return el(
    "div", { class: "missed" },
    el("p", {}, at === null ? "The bytes that count are not the same." : `They differ from byte ${at} on, counted from 0.`),
    sidesView([
      { title: "What was asked", way: "out", bytes: sent, size: entry.sent.size, hit: known ? at : null },
      { title: `Nearest on the tape, no. ${entry.near}`, way: "out", bytes: recorded, size: near.request.size, hit: there },
    ]),
    entry.received.size > 0 && sidesView(sidesOf(entry, null).slice(1)),
  );
}

/** @param {Exchanged} entry @param {string} who */
function facts(entry, who) {
  const list = /** @type {[string, string][]} */ ([
    ["time", clock(entry.t)], ["client", who], ["connection", `${entry.conn}, its exchange ${entry.number}`],
    ["took", entry.ms ? milliseconds(entry.ms) : "–"], ["on the tape", tapeWords(entry) || "no"], ["pieces", String(entry.chunks)],
  ]);
  return el("dl", { class: "facts" }, ...list.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** @param {string} text */
function upper(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;
}
