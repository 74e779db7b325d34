/**
 * The pings that the chart shows, client by client. Pure.
 *
 * Our own clients tell each ping's outcome. Of a student's program only the server's view is known:
 * what arrived, what was dropped, and which numbers never came.
 */

import { Columns, firstAtLeast, STATUS } from "./columns.js";

/** @typedef {import("../../types.js").Event} Event */
/**
 * @typedef {{peer: string, index: number, own: boolean, request: string, pings: Columns, fates: Columns,
 *   twice: {t: number[], rtt: number[], seq: number[]}, why: Map<number, string>, seqs: (number|null)[],
 *   tally: {arrived: number, lost_to_server: number, lost_to_client: number, gaps: number}, last: number}} Client
 */

export const LIMIT = 10_000;
const SLACK = 500;

/** All clients of one server. */
export class Model {
  /** @type {Map<string, Client>} */
  clients = new Map();
  /** @type {Map<string, number>} outcomes known per request */
  done = new Map();
  #next = 0;
  #held = 0;

  /** @param {Event[]} events */
  add(events) {
    for (const event of events) {
      if (event.kind === "ping_started") this.#started(event);
      else if (event.kind === "ping_outcome") this.#outcome(event);
      else if (event.kind === "ping_fate") this.#fate(event);
    }
    if (this.#held > LIMIT + SLACK) this.#trim();
    for (const client of this.clients.values()) shown(client).settle();
  }

  clear() {
    this.clients.clear();
    this.done.clear();
    this.#held = 0;
    this.#next = 0;
  }

  /** @param {string} peer */
  #client(peer) {
    let client = this.clients.get(peer);
    if (!client) {
      client = {
        peer, index: this.#next, own: false, request: "", pings: new Columns(), fates: new Columns(),
        twice: { t: [], rtt: [], seq: [] }, why: new Map(), seqs: [], last: 0,
        tally: { arrived: 0, lost_to_server: 0, lost_to_client: 0, gaps: 0 },
      };
      this.#next += 1;
      this.clients.set(peer, client);
    }
    return client;
  }

  /** @param {Event} event */
  #started(event) {
    let client = this.#client(event.peer ?? "");
    if (client.own && client.request !== (event.request ?? "")) {
      // The system gave the same port to a new client: what was there is another's.
      this.#forget(client);
      client = this.#client(event.peer ?? "");
    }
    this.#mine(client, event);
    client.last = Math.max(client.last, event.t);
  }

  /** @param {Client} client */
  #forget(client) {
    this.clients.delete(client.peer);
    this.clients.set(`${client.peer} (${client.request || client.index})`, client);
  }

  /** @param {Client} client @param {Event} event */
  #mine(client, event) {
    if (event.request) client.request = event.request;
    if (client.own) return;
    client.own = true;
    const { fates } = client;
    for (let place = 0; place < fates.length; place += 1) {
      const seq = client.seqs[place];
      if (fates.status[place] > 5 && seq !== null) client.why.set(seq, STATUS[fates.status[place]]);
    }
    this.#held -= fates.length;
    client.fates = new Columns();
    client.seqs = [];
  }

  /** @param {Event} event */
  #outcome(event) {
    const client = this.#client(event.peer ?? "");
    this.#mine(client, event);
    client.last = Math.max(client.last, event.t);
    const rtt = event.rtt_ms ?? NaN;
    if (event.status === "duplicate") {
      client.twice.t.push(event.t);
      client.twice.rtt.push(rtt);
      client.twice.seq.push(event.seq);
      this.#held += 1;
      return;
    }
    if (!client.pings.put(event.seq, event.t, rtt, STATUS.indexOf(event.status))) return;
    this.#held += 1;
    if (event.request) this.done.set(event.request, (this.done.get(event.request) ?? 0) + 1);
  }

  /** @param {Event} event */
  #fate(event) {
    const client = this.#client(event.peer ?? "");
    client.last = Math.max(client.last, event.t);
    const { arrived = 0, lost_to_server = 0, lost_to_client = 0, gaps = 0 } = event;
    client.tally = { arrived, lost_to_server, lost_to_client, gaps };
    if (client.own) {
      if (event.fate !== "answered" && event.seq) client.why.set(event.seq, event.fate);
      return;
    }
    const place = client.fates.length ? client.fates.key[client.fates.length - 1] + 1 : 0;
    client.fates.put(place, event.t, NaN, STATUS.indexOf(event.fate));
    client.seqs.push(event.seq ?? null);
    this.#held += 1;
  }

  /** Forget the oldest of all clients. */
  #trim() {
    const times = new Float64Array(this.#held);
    let length = 0;
    for (const client of this.clients.values()) {
      const columns = shown(client);
      times.set(columns.t.subarray(0, columns.length), length);
      length += columns.length;
      for (const t of client.twice.t) times[length++] = t;
    }
    const all = times.subarray(0, length).sort();
    const cut = all[Math.max(0, length - LIMIT)];
    for (const [name, client] of this.clients) {
      const columns = shown(client);
      let old = 0;
      while (old < columns.length && columns.t[old] < cut) old += 1;
      if (old) columns.trim(old);
      if (!client.own) client.seqs.splice(0, old);
      const twice = client.twice.t.filter((t) => t < cut).length;
      for (const column of [client.twice.t, client.twice.rtt, client.twice.seq]) column.splice(0, twice);
      this.#held -= old + twice;
      if (columns.length === 0 && client.last < cut) this.clients.delete(name);
    }
  }

  /** Every point, for tests and tables: in the order of their clients. */
  points() {
    const points = [];
    for (const client of this.clients.values()) {
      const { key, t, rtt, status, length } = shown(client);
      for (let i = 0; i < length; i += 1) {
        const seq = client.own ? key[i] : client.seqs[i];
        points.push({ peer: client.peer, seq, status: STATUS[status[i]], t: t[i], rtt_ms: Number.isNaN(rtt[i]) ? null : rtt[i] });
      }
      for (const [i, at] of client.twice.t.entries()) {
        points.push({ peer: client.peer, seq: client.twice.seq[i], status: "duplicate", t: at, rtt_ms: client.twice.rtt[i] });
      }
    }
    return points;
  }

  /**
   * The last so many seconds of the clients shown: from the first ping in them to the last.
   * @param {Client[]} clients @param {number} seconds @returns {[number, number]|null}
   */
  span(clients, seconds) {
    const columns = clients.map(shown).filter((column) => column.length > 0);
    const last = Math.max(...columns.map(({ t, length }) => t[length - 1]));
    let first = Infinity;
    for (const { t, length } of columns) {
      const place = firstAtLeast(t, length, last - seconds);
      if (place < length) first = Math.min(first, t[place]);
    }
    return columns.length ? [first, last] : null;
  }
}

/** The pings of a client that are drawn. @param {Client} client */
export function shown(client) {
  return client.own ? client.pings : client.fates;
}
