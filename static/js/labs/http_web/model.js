/** The server's connections and their requests, as its events tell them. Pure. */

import { quantile } from "../../stats.js";

/** @typedef {import("../../types.js").Event} Event */
/**
 * @typedef {{number: number, at: number, done: number|null, method: string, target: string, status: number,
 *   ms: number, size: number, error: string}} Ask `done` is null while it waits for its answer
 * @typedef {{name: string, peer: string, request: string, opened: number, closed: number|null, reason: string,
 *   asks: Ask[], last: number}} Conn
 */

export const CONNECTIONS = 300;
export const ASKS = 200;
const LATENCIES = 500;
const RATE_SECONDS = 5;

/** All connections of one server, the newest of them. */
export class Model {
  /** @type {Map<string, Conn>} those that are open, or whose name was used last */
  #named = new Map();
  /** @type {Conn[]} in the order in which they were opened */
  connections = [];
  /** @type {{t: number, ms: number}[]} */
  #answers = [];
  /** When the newest event happened. */
  last = 0;

  /** @param {Event[]} events */
  add(events) {
    for (const event of events) {
      if (event.conn?.startsWith("client-")) continue; // the other end of a connection that the server tells
      switch (event.kind) {
        case "server_listening":
          this.#restart(event.t);
          break;
        case "connection_opened":
          this.#open(event);
          break;
        case "connection_closed":
          this.#close(event);
          break;
        case "http_request":
          this.#asked(event);
          break;
        case "http_response":
          this.#answered(event);
          break;
        default:
          continue;
      }
      this.last = Math.max(this.last, event.t);
    }
    const over = this.connections.length - CONNECTIONS;
    if (over > 0) for (const conn of this.connections.splice(0, over)) if (this.#named.get(conn.name) === conn) this.#named.delete(conn.name);
    if (this.#answers.length > LATENCIES) this.#answers.splice(0, this.#answers.length - LATENCIES);
  }

  clear() {
    this.#named.clear();
    this.connections = [];
    this.#answers = [];
    this.last = 0;
  }

  /** A new process: nothing of the old one is open any more. @param {number} t */
  #restart(t) {
    for (const conn of this.connections) if (conn.closed === null) conn.closed = Math.max(conn.last, Math.min(t, this.last));
    this.#named.clear();
  }

  /** @param {Event} event @returns {Conn} */
  #open(event) {
    const opened = event.kind === "connection_closed" ? event.t - (event.seconds ?? 0) : event.t;
    const conn = { name: event.conn ?? "", peer: event.peer ?? "", request: event.request ?? "", opened, closed: null, reason: "", asks: [], last: event.t };
    const old = this.#named.get(conn.name);
    if (old && old.closed === null) old.closed = old.last;
    this.#named.set(conn.name, conn);
    this.connections.push(conn);
    return conn;
  }

  /** The connection of an event; made if its opening was left out. @param {Event} event */
  #conn(event) {
    const known = this.#named.get(event.conn ?? "");
    const conn = known && known.peer === event.peer && known.closed === null ? known : this.#open(event);
    conn.last = Math.max(conn.last, event.t);
    return conn;
  }

  /** @param {Event} event */
  #close(event) {
    const conn = this.#conn(event);
    conn.closed = event.t;
    conn.reason = event.reason ?? "";
    for (const ask of conn.asks) ask.done ??= event.t;
  }

  /** @param {Event} event */
  #asked(event) {
    const { number = 0, method = "", target = "", error = "" } = event;
    const conn = this.#conn(event);
    conn.asks.push({ number, at: event.t, done: null, method, target, status: 0, ms: 0, size: 0, error });
    if (conn.asks.length > ASKS) conn.asks.shift();
  }

  /** @param {Event} event */
  #answered(event) {
    const { number = 0, method = "", target = "", status = 0, ms = 0, size = 0 } = event;
    const conn = this.#conn(event);
    let ask = conn.asks.find((entry) => entry.number === number && entry.done === null);
    if (!ask) {
      ask = { number, at: event.t - ms / 1000, done: null, method, target, status, ms, size, error: "" };
      conn.asks.push(ask);
    }
    Object.assign(ask, { at: Math.min(ask.at, event.t - ms / 1000), done: event.t, status, ms, size });
    conn.last = Math.max(conn.last, event.t);
    this.#answers.push({ t: event.t, ms });
  }

  /** Whether one is open. */
  get open() {
    return this.connections.some((conn) => conn.closed === null);
  }

  /**
   * At most so many that are seen between two moments: the open ones first, then the newest; in the order
   * in which they were opened.
   * @param {number} limit @param {number} from @param {number} to
   */
  rows(limit, from, to) {
    const seen = this.connections.filter((conn) => conn.opened <= to && (conn.closed ?? Infinity) >= from);
    const newest = (/** @type {Conn} */ a, /** @type {Conn} */ b) => Number(b.closed === null) - Number(a.closed === null) || b.opened - a.opened;
    return [...seen].sort(newest).slice(0, limit).sort((a, b) => a.opened - b.opened);
  }

  /** How many a second of late, and how long they took: the median, and what 95 of 100 stay under. @param {number} now */
  numbers(now) {
    const late = this.#answers.filter((answer) => answer.t > now - RATE_SECONDS && answer.t <= now + 1);
    const times = this.#answers.map((answer) => answer.ms).sort((a, b) => a - b);
    return { rate: late.length / RATE_SECONDS, median: quantile(times, 0.5), most: quantile(times, 0.95), count: times.length };
  }

  /** The newest requests, newest first. @param {number} limit */
  newest(limit) {
    const all = this.connections.slice(-limit * 2).flatMap((conn) => conn.asks.map((ask) => ({ conn, ask })));
    return all.sort((a, b) => b.ask.at - a.ask.at).slice(0, limit);
  }
}
