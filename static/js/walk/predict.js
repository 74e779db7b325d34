/** Predict first: what seq and ack the next packet has, by arithmetic; and why an answer is right or not. Pure. */

import { plural } from "../format.js";
import { has, taken } from "./model.js";

/** @typedef {import("./model.js").Row} Row */
/** @typedef {{right: boolean, words: string}} Judged */

/** What has been seen of a side before a packet: its newest numbers, and the packet that made them. @typedef {{next: number, from: Row|null, last: Row|null}} Sent */

/** @param {Row[]} rows @param {number} place @param {import("./model.js").Way} way @returns {Sent} */
export function sentBefore(rows, place, way) {
  /** @type {Sent} */
  let sent = { next: 0, from: null, last: null };
  for (let at = 0; at < place; at += 1) {
    const row = rows[at];
    if (row.way !== way) continue;
    sent = !sent.from || row.next_seq > sent.next ? { next: row.next_seq, from: row, last: row } : { ...sent, last: row };
  }
  return sent;
}

/** @param {Row} row @returns {import("./model.js").Way} */
export function opposite(row) {
  return row.way === "to_server" ? "to_client" : "to_server";
}

/** The numbers that follow from the packets before: seq, and ack if the flag is set. @param {Row[]} rows @param {number} place */
export function expected(rows, place) {
  const row = rows[place];
  const ack = row.ack === null ? null : sentBefore(rows, place, opposite(row)).next;
  return { seq: sentBefore(rows, place, row.way).next, ack };
}

/** How a seq comes about: «1 + 322 bytes = 323». @param {Row[]} rows @param {number} place */
export function seqWords(rows, place) {
  const row = rows[place];
  const { next, from } = sentBefore(rows, place, row.way);
  const side = row.way === "to_server" ? "client" : "server";
  if (!from) return row.seq === 0 ? `It is the ${side}’s first packet: its numbers are counted from 0.` : "Its packets before were not captured.";
  if (row.seq < next) return has(row, "RST") && row.ack === null ? "A reset for a connection that is not there takes its number from the ack." : repeats(row, next);
  if (row.seq > next) return `It should be ${next}: something before it was not captured.`;
  return `What the ${side} sent before: ${sum(from)}.`;
}

/** @param {Row} row @param {number} next */
function repeats(row, next) {
  if (row.marks.includes("keep_alive")) return `A keep-alive has the number before the next one, ${next} − 1: the other side must answer to it.`;
  return `Not ${next}, the next number: it begins at ${row.seq} again, since these bytes were sent before.`;
}

/** How an ack comes about. @param {Row[]} rows @param {number} place */
export function ackWords(rows, place) {
  const row = rows[place];
  if (row.ack === null) return "Without the ACK flag the field means nothing: nothing has come from the other side yet.";
  const { next, from } = sentBefore(rows, place, opposite(row));
  const other = row.way === "to_server" ? "server" : "client";
  if (!from) return `Nothing of the ${other} was captured.`;
  if (row.ack < next) return `The ${other} has sent up to ${next - 1}, but here only what is before ${row.ack} had arrived in order when this packet left.`;
  if (row.ack > next) return `It acknowledges more than was captured of the ${other}.`;
  return `The next that is wanted of the ${other}: ${sum(from)}.`;
}

/** «seq 1 + 322 bytes = 323», «seq 0 + 1 for SYN = 1» @param {Row} row */
function sum(row) {
  const parts = [row.length > 0 && plural(row.length, "byte"), has(row, "SYN") && "1 for SYN", has(row, "FIN") && "1 for FIN"].filter(Boolean);
  return parts.length ? `seq ${row.seq} + ${parts.join(" + ")} = ${row.next_seq}` : `seq ${row.seq} and no data, so ${row.next_seq} still`;
}

/** A typed number; null: none («–» or nothing); NaN: no number. @param {string} text */
export function answerOf(text) {
  const plain = text.trim();
  if (plain === "" || /^[-–—]$/.test(plain) || /^none$/i.test(plain)) return null;
  return /^\d{1,10}$/.test(plain) ? Number(plain) : NaN;
}

/** @param {Row[]} rows @param {number} place @param {number|null} said @returns {Judged} */
export function judgeSeq(rows, place, said) {
  const row = rows[place];
  const why = seqWords(rows, place);
  if (said === row.seq) return { right: true, words: why };
  return { right: false, words: `${hint(said, row.seq, row.ack, sentBefore(rows, place, row.way), "seq")}${why}` };
}

/** @param {Row[]} rows @param {number} place @param {number|null} said @returns {Judged} */
export function judgeAck(rows, place, said) {
  const row = rows[place];
  const why = ackWords(rows, place);
  if (said === row.ack) return { right: true, words: why };
  if (row.ack === null) return { right: false, words: `It has none. ${why}` };
  if (said === null) return { right: false, words: `It has the ACK flag, so it says what it wants next. ${why}` };
  return { right: false, words: `${hint(said, row.ack, row.seq, sentBefore(rows, place, opposite(row)), "ack")}${why}` };
}

/** What went wrong, where it can be told; with a blank behind it. @param {number|null} said @param {number} right @param {number|null} other @param {Sent} sent @param {"seq"|"ack"} which */
function hint(said, right, other, { from, last }, which) {
  if (said === null) return "Every packet has a seq. ";
  if (from && said === from.seq && taken(from) > 0) return from.length ? `That is where the bytes before began; they take ${plural(from.length, "number")}. ` : `${has(from, "SYN") ? "SYN" : "FIN"} takes a number, as a byte does. `;
  if (from && said === right - 1 && from.length === 0 && taken(from)) return `${has(from, "SYN") ? "SYN" : "FIN"} takes a number, as a byte does. `;
  if (from && said === right - 1) return has(from, "FIN") ? "FIN takes a number, too. " : which === "ack" ? "The ack is not the last byte that came, but the next that is wanted. " : "That is the last byte that was sent; this begins with the next. ";
  if (said === right + 1 && last && !taken(last)) return "A pure ACK takes no number. ";
  if (said === other) return `That is its ${which === "seq" ? "ack" : "seq"}: seq counts the sender’s own bytes, ack the other side’s. `;
  return "";
}
