/**
 * Datagrams as both ends tell of them, joined: who sent it, whether and how much of it was received. Pure.
 *
 * The two ends tell by ways of their own, so either may be heard first; and of a student's program only the server's
 * end is known.
 *
 * @typedef {import("../../types.js").Event} Event
 * @typedef {{size: number, head: string}} Data
 * @typedef {{kind: "datagram", peer: string, way: "to_server"|"to_client", t: number, left: Data|null,
 *   came: {size: number, lost: number, asked: number, head: string}|null, own: boolean}} Datagram
 * @typedef {{kind: "overflow", t: number, lost: number, whole: number}} Overflow
 */

const KEPT = 300;
const PEERS = 200;

export class Datagrams {
  constructor() {
    /** @type {(Datagram|Overflow)[]} in the order in which they were first heard of */
    this.rows = [];
    /** Peers that are our own clients: of them both ends are known. @type {Set<string>} */
    this.ours = new Set();
    /** Datagrams that a request's client has sent. @type {Map<string, number>} */
    this.counts = new Map();
  }

  /** How many datagrams the request's client has sent, as far as it was told. @param {string} request */
  sent(request) {
    return this.counts.get(request) ?? 0;
  }

  clear() {
    this.rows = [];
    this.ours.clear();
    this.counts.clear();
  }

  /** @param {Event[]} events */
  add(events) {
    for (const event of events) {
      if (event.kind === "datagrams_overflowed") this.rows.push({ kind: "overflow", t: event.t, lost: event.lost, whole: event.whole });
      if (event.data && event.way && event.peer !== undefined) this.take(event, event.data);
    }
    if (this.rows.length > KEPT) this.rows.splice(0, this.rows.length - KEPT);
    while (this.ours.size > PEERS) this.ours.delete(/** @type {string} */ (this.ours.values().next().value));
    while (this.counts.size > PEERS) this.counts.delete(/** @type {string} */ (this.counts.keys().next().value));
  }

  /** @param {Event} event @param {Data} data */
  take(event, data) {
    const { peer = "", way = "to_server" } = event;
    const sent = event.kind === "datagram_sent";
    if (!sent && event.kind !== "datagram_received") return;
    if (sent === (way === "to_server")) this.ours.add(peer);
    if (sent && event.request) this.counts.set(event.request, this.sent(event.request) + 1);
    const came = sent ? null : { size: data.size, lost: event.lost ?? 0, asked: event.asked ?? 0, head: data.head };
    const row = this.rows.find((entry) => entry.kind === "datagram" && entry.peer === peer && entry.way === way && (sent ? !entry.left && fits(data, entry.came) : !entry.came && fits(entry.left, came)));
    if (row?.kind === "datagram") {
      if (sent) row.left = data;
      else row.came = came;
      return;
    }
    this.rows.push({ kind: "datagram", peer, way, t: event.t, left: sent ? data : null, came, own: false });
  }

  /** The newest rows, the newest last; `own`: its sender and its receiver both tell. @param {number} count */
  newest(count) {
    return this.rows.slice(-count).map((row) => (row.kind === "datagram" ? { ...row, own: this.ours.has(row.peer) } : row));
  }
}

/** Whether what came can be what left. @param {Data|null} left @param {Datagram["came"]} came */
function fits(left, came) {
  if (!left || !came) return false;
  const whole = came.lost ? left.size > came.size : left.size === came.size;
  const shared = Math.floor(Math.min(came.size, left.size, 500) / 3) * 4; // letters of base64 that are whole
  return whole && left.head.slice(0, shared) === came.head.slice(0, shared);
}

/**
 * What became of a datagram: its size, how much was kept and cut, and in words.
 * @param {Datagram} row @returns {{size: number, kept: number, cut: number, state: "whole"|"cut"|"open"|"unknown", words: string}}
 */
export function fate({ left, came, way, own }) {
  const size = left?.size ?? (came ? came.size + came.lost : 0);
  if (came) {
    const cut = size - came.size;
    const asked = came.asked ? `recvfrom(${came.asked})` : "recvfrom()";
    return { size, kept: came.size, cut, state: cut ? "cut" : "whole", words: cut ? `${asked} took ${came.size}, ${cut} lost` : `${asked} took all` };
  }
  if (way === "to_client" && !own) return { size, kept: size, cut: 0, state: "unknown", words: "to a program that is not ours" };
  return { size, kept: size, cut: 0, state: "open", words: "no recvfrom() has it: it waits in the receive buffer, or is lost" };
}
