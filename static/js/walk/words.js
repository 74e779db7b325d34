/** What the ladder says of a packet: flags, numbers, times, marks, states. Pure. */

import { count, milliseconds, number, plural, size } from "../format.js";

/** @typedef {import("./model.js").Row} Row */
/** @typedef {import("./model.js").Connection} Connection */

/** Each mark by a shape, a word, and a colour: `bad` red for what is lost, `odd` amber, `plain` grey. @type {Record<string, [string, string, "bad"|"odd"|"plain"]>} */
export const MARKS = {
  retransmission: ["↻", "sent again", "odd"],
  fast_retransmission: ["⇉", "sent again, fast", "odd"],
  syn_again: ["↻", "SYN again", "odd"],
  out_of_order: ["⇅", "out of order", "odd"],
  duplicate_ack: ["≡", "duplicate ACK", "odd"],
  keep_alive: ["♡", "keep-alive", "plain"],
  keep_alive_ack: ["♥", "keep-alive ACK", "plain"],
  zero_window: ["∅", "zero window", "odd"],
  window_full: ["▣", "window full", "odd"],
  window_update: ["⊞", "window update", "plain"],
  window_probe: ["◌", "window probe", "odd"],
  reset: ["✕", "reset", "bad"],
  lost_segment: ["⋯", "before it: not captured", "odd"],
  cut: ["✂", "cut", "plain"],
  lost: ["✕", "lost", "bad"],
};

/** @param {string} mark @returns {[string, string, "bad"|"odd"|"plain"]} */
export function markOf(mark) {
  return MARKS[mark] ?? ["•", mark.replaceAll("_", " "), "plain"];
}

/** «SYN ACK», «UDP» @param {Row} row */
export function flagWords(row) {
  return row.transport === "udp" ? "UDP" : row.flags.join(" ") || "no flags";
}

/** seq and ack as chosen; «–» without the ACK flag. @param {Row} row @param {boolean} absolute @returns {[string, string]} */
export function numbers(row, absolute) {
  const ack = absolute ? row.raw_ack : row.ack;
  return [String(absolute ? row.raw_seq : row.seq), row.ack === null ? "–" : String(ack)];
}

/** A stretch of time as it fits in a column. @param {number} seconds */
export function timeText(seconds) {
  if (Math.abs(seconds) < 0.9995) return milliseconds(seconds * 1000).replace(/^0\.000 /, "0 ");
  return seconds < 100 ? `${seconds.toFixed(3)} s` : `${number(seconds)} s`;
}

/** Whose it is. @param {import("./model.js").Way} way */
export function wayWords(way) {
  return way === "to_server" ? "client → server" : "server → client";
}

/** What a screen reader says of a row. @param {Row} row @param {boolean} absolute @param {boolean} hidden its numbers are to be predicted */
export function rowWords(row, absolute, hidden) {
  const [seq, ack] = numbers(row, absolute);
  const tcp = row.transport === "tcp";
  return [
    `${row.n}, ${row.way === "to_server" ? "client to server" : "server to client"}, ${flagWords(row)}`,
    tcp && (hidden ? "sequence and acknowledgement number hidden" : `seq ${seq}, ack ${ack === "–" ? "none" : ack}`),
    row.length ? plural(row.length, "byte") : "no data",
    ...row.marks.map((mark) => markOf(mark)[1]),
    row.message,
    `after ${timeText(row.after)}`,
  ].filter(Boolean).join(", ");
}

/** Where a connection's packets come from. @param {Connection["source"]} source @param {string} [upload] the file's name @param {string} [transport] */
export function sourceWords(source, upload = "", transport = "tcp") {
  switch (source) {
    case "capture":
      return "captured";
    case "upload":
      return upload ? `uploaded ${upload}` : "uploaded";
    case "events":
      return `worked out from socket calls${transport === "tcp" ? ": no pure ACKs" : ""}`;
    default:
      throw new Error(`unknown source ${source}`);
  }
}

/** How far a connection has come, in a word: of one that was worked out both machines' states are told. @param {Connection} connection */
export function stateWords({ state, transport }) {
  const [, client = "", server = ""] = /^client (\w*), server (\w*)$/.exec(state) ?? [];
  if (!client && !server) return state || transport.toUpperCase();
  const over = [client, server].map((each) => /^(CLOSED|TIME_WAIT|LAST_ACK|CLOSING|)$/.test(each));
  if (over[0] && over[1]) return "closed"; // the last ACKs cannot be worked out
  return [client, server].some((each) => /WAIT|LAST_ACK|CLOSED/.test(each)) ? "half closed" : /SYN|LISTEN/.test(client + server) ? "opening" : "open";
}

/** «→322 B ←279 B» @param {Connection} connection */
export function bytesWords({ bytes_up: up, bytes_down: down }) {
  return `→${short(up)} ←${short(down)}`;
}

/** @param {number} bytes */
function short(bytes) {
  const [digits, unit] = size(bytes);
  return `${digits} ${unit.startsWith("byte") ? "B" : unit}`;
}

/** The list's filter: every word must stand somewhere in it. @param {Connection} connection @param {string} wanted */
export function passes(connection, wanted) {
  const text = [connection.person, connection.client, connection.server, connection.state, connection.transport, connection.note, sourceWords(connection.source)].join(" ").toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** «11 packets», and what is not shown. @param {number} shown @param {number} total */
export function extentWords(shown, total) {
  return shown < total ? `${count(shown)} of ${plural(total, "packet")}` : plural(shown, "packet");
}
