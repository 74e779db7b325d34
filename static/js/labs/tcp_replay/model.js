/** The exchanges that went by, as the server's events tell them. Pure. */

/** @typedef {import("../../types.js").Event} Event */
/** @typedef {{head: string, size: number}} Bytes the first bytes in base64, and how many there were */
/**
 * @typedef {{n: number, t: number, conn: string, peer: string, request: string, number: number, outcome: string, greeting: boolean,
 *   sent: Bytes, received: Bytes, chunks: number, ms: number, tape: number, turn: string, near: number, differsAt: number|null,
 *   reason: string, first: string, answer: string}} Exchanged with the first lines of both sides, as text
 * @typedef {{outcome: string, text: string, conn: string}} Filter
 */

import { connectionOf, connectionsOf, newest } from "../../newest.js";
import { firstLine } from "./bytes.js";

export const LIMIT = 5000;
const NOTHING = { head: "", size: 0 };

export class Model {
  /** @type {Exchanged[]} in the order in which they became whole */
  exchanges = [];
  /** @type {{t: number, fault: string, way: string}|null} the last fault that struck */
  struck = null;
  /** How often something was written on the tape or played from it: the reels turn with it. */
  turns = 0;

  clear() {
    this.exchanges = [];
    this.struck = null;
  }

  /** Take in events; whether the tape may have changed. @param {Event[]} events */
  add(events) {
    let touched = false;
    for (const event of events) {
      if (event.kind === "exchanged") {
        this.exchanges.push(exchanged(event));
        touched ||= event.outcome === "recorded";
        if (event.outcome === "recorded" || event.outcome === "hit") this.turns += 1;
      } else if (event.kind === "toxic_hit") {
        this.struck = { t: event.t, fault: event.fault, way: event.way ?? "to_client" };
      } else if (event.kind === "tape_changed") touched = true;
    }
    if (this.exchanges.length > LIMIT) this.exchanges.splice(0, this.exchanges.length - LIMIT);
    return touched;
  }

  /** The newest that pass, newest first, and how many pass in all. @param {Filter} filter @param {number} limit */
  newest(filter, limit) {
    return newest(this.exchanges, passes(filter), limit);
  }

  /** The newest connections with an exchange, newest first. @param {number} limit */
  connections(limit) {
    return connectionsOf(this.exchanges, limit);
  }
}

/** Fields at their default are left out on the wire. @param {Event} event @returns {Exchanged} */
function exchanged(event) {
  const sent = event.sent ?? NOTHING;
  const received = event.received ?? NOTHING;
  const greeting = event.greeting ?? false;
  return {
    n: event.n, t: event.t, conn: event.conn ?? "", peer: event.peer ?? "", request: event.request ?? "", number: event.number ?? 0,
    outcome: event.outcome, greeting, sent, received, chunks: event.chunks ?? 0, ms: event.ms ?? 0, tape: event.tape ?? 0,
    turn: event.turn ?? "", near: event.near ?? 0, differsAt: event.differs_at ?? null, reason: event.reason ?? "",
    first: greeting ? "" : firstLine(sent.head), answer: firstLine(received.head),
  };
}

/** Which exchanges are wanted; the text is looked for in both first lines. @param {Filter} filter */
export function passes({ outcome, text, conn }) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return (/** @type {Exchanged} */ entry) => {
    if (outcome && entry.outcome !== outcome) return false;
    if (conn && connectionOf(entry) !== conn) return false;
    const found = `${entry.first}\n${entry.answer}\n${entry.peer}\n${entry.reason}`.toLowerCase();
    return words.every((word) => found.includes(word));
  };
}
