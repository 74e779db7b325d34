/**
 * The connections of one server and the calls of both their ends, from the events. Pure.
 *
 * A server calls the client's address its peer; a client of ours tells the same address as its own. So the
 * two ends of a connection, told by two programs, are brought together.
 */

import { Row } from "./row.js";

/** @typedef {import("../types.js").Event} Event */
/** @typedef {"to_server"|"to_client"} Way */
/** @typedef {"server"|"client"} Side */
/** @typedef {{conn: string, opened: number, closed: number|null, reason: string}} End */
/** @typedef {{upper: Row, lower: Row}} Rows the sender's calls above, the receiver's below */
/**
 * @typedef {{id: number, address: string, request: string, first: number|null, last: number, count: number,
 *   ends: Record<Side, End|null>, ways: Record<Way, Rows>}} Connection `address` is the client's; `first`: when the first call was
 */

export const CONNECTIONS = 200;
export const KEPT = 60_000;
const SLACK = 0.5;
const KINDS = new Set(["connection_opened", "connection_closed", "data_sent", "data_received"]);

/** @type {Record<Way, [Side, Side]>} who sends, who receives */
export const ENDS = { to_server: ["client", "server"], to_client: ["server", "client"] };

export class Streams {
  constructor() {
    /** Oldest first. @type {Connection[]} */
    this.connections = [];
    /** By connection and peer, as one end told them. @type {Map<string, Connection>} */
    this.known = new Map();
    this.n = 0;
    this.made = 0;
    this.count = 0;
    this.last = 0;
  }

  /** Forget all, as when the events start over. The numbers of connections go on. */
  clear() {
    this.connections = [];
    this.known.clear();
    [this.n, this.count, this.last] = [0, 0, 0];
  }

  /** Take events in; those that came before are skipped. Whether any mattered. @param {Event[]} events in the order of their numbers */
  add(events) {
    let any = false;
    for (const event of events) {
      if (event.n <= this.n) continue;
      this.n = event.n;
      if (!KINDS.has(event.kind)) continue;
      this.last = Math.max(this.last, event.t);
      this.#take(event);
      any = true;
    }
    return any;
  }

  /** @param {Event} event */
  #take(event) {
    const { conn = "", peer = "" } = event;
    const side = conn.startsWith("client-") ? "client" : "server";
    const key = `${conn} ${peer}`;
    let found = this.known.get(key);
    if (!found || event.kind === "connection_opened") {
      found = this.#place(side, event);
      this.known.set(key, found);
    }
    if (side === "client" && event.request) found.request = event.request;
    if (event.kind === "connection_closed") close(found, side, event);
    else if (event.kind !== "connection_opened") this.#call(found, side, event);
  }

  /** @param {Connection} connection @param {Side} side @param {Event} event */
  #call(connection, side, event) {
    const way = event.way === "to_client" ? "to_client" : "to_server";
    const sent = event.kind === "data_sent";
    if (ENDS[way][sent ? 0 : 1] !== side || !event.data) return; // what a proxy has of its target is no call of this connection
    const row = connection.ways[way][sent ? "upper" : "lower"];
    const kept = row.add({ offset: event.offset ?? 0, size: event.data.size, asked: event.asked ?? 0, t: event.t, head: event.data.head });
    connection.first = Math.min(connection.first ?? event.t, event.t);
    connection.last = event.t;
    connection.count += 1;
    this.count += kept;
    this.#bound();
  }

  /** The connection that an end belongs to: the newest that has the other end only, or a new one. @param {Side} side @param {Event} event */
  #place(side, event) {
    const address = plain(side === "server" ? event.peer : event.own) || (event.conn ?? "").replace("client-", ":");
    const end = { conn: event.conn ?? "", opened: event.t, closed: null, reason: "" };
    for (let place = this.connections.length - 1; place >= 0; place -= 1) {
      const found = this.connections[place];
      if (found.ends[side] || !alike(found.address, address) || (found.ends.server?.closed ?? event.t) < event.t - SLACK) continue;
      found.ends[side] = end;
      if (side === "server") found.address = address;
      return found;
    }
    /** @type {Connection} */
    const made = {
      id: (this.made += 1), address, request: "", first: null, last: event.t, count: 0, ends: { server: null, client: null, [side]: end },
      ways: { to_server: { upper: new Row(), lower: new Row() }, to_client: { upper: new Row(), lower: new Row() } },
    };
    this.connections.push(made);
    this.#bound();
    return made;
  }

  /** Let the oldest go. */
  #bound() {
    while (this.connections.length > CONNECTIONS || (this.count > KEPT && this.connections.length > 1)) {
      const gone = /** @type {Connection} */ (this.connections.shift());
      for (const { upper, lower } of Object.values(gone.ways)) this.count -= upper.calls.length + lower.calls.length;
      for (const [key, connection] of this.known) if (connection === gone) this.known.delete(key);
    }
  }
}

/** @param {Connection} connection @param {Side} side @param {Event} event */
function close(connection, side, event) {
  const end = connection.ends[side];
  if (!end) return;
  end.closed = event.t;
  end.reason = event.reason ?? "";
  for (const way of /** @type {Way[]} */ (["to_server", "to_client"])) {
    const sends = ENDS[way][0] === side;
    connection.ways[way][sends ? "upper" : "lower"].total = (sends ? event.bytes_out : event.bytes_in) ?? 0;
  }
}

/** An address as both ends write it: a socket for both versions of IP writes IPv4 as ::ffff:… @param {string|undefined} address */
export function plain(address = "") {
  const found = address.replace(/^\[::ffff:([\d.]+)\]/i, "$1").replace(/^::ffff:(?=\d+\.)/i, "");
  return found === "unix:" ? "" : found;
}

/** Whether two addresses are one; of a client that did not tell its own, only the port is known. @param {string} a @param {string} b */
function alike(a, b) {
  if (!a || !b) return false;
  return a === b || (b.startsWith(":") && a.endsWith(b)) || (a.startsWith(":") && b.endsWith(a));
}

/**
 * Marks and the newest events as one list: what is in both is there once.
 * @param {Event[]} marks @param {Event[]} events
 */
export function merged(marks, events) {
  if (!marks.length || !events.length) return marks.length ? marks : events;
  /** @type {Map<number, Event>} */
  const found = new Map();
  for (const event of marks) found.set(event.n, event);
  for (const event of events) found.set(event.n, event);
  return [...found.values()].sort((a, b) => a.n - b.n);
}
