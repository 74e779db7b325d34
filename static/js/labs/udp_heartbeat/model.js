/** What is known of all clients. Pure. */

import { cameAfterAll, Client, close, push, skipped } from "./client.js";

/** @typedef {import("../../types.js").Event} Event */
/** @typedef {{t: number, peer: string, state: import("./client.js").State, why: string}} Turn a change of state */

/** Clients kept. */
export const CLIENTS = 200;
/** Changes of state kept for the table. */
export const TURNS = 500;

export class Model {
  /** @type {Map<string, Client>} */
  clients = new Map();
  /** @type {Turn[]} */
  turns = [];
  made = 0;
  first = NaN;
  last = NaN;

  clear() {
    this.clients = new Map();
    this.turns = [];
    this.made = 0;
    this.first = this.last = NaN;
  }

  /** @param {Event[]} events @returns {boolean} whether the picture changes */
  add(events) {
    let touched = false;
    for (const event of events) touched = this.take(event) || touched;
    return touched;
  }

  /** @param {Event} event */
  take(event) {
    switch (event.kind) {
      case "heartbeat_arrived":
        this.arrived(event);
        break;
      case "heartbeat_state":
        this.turned(event);
        break;
      case "heartbeat_client":
        this.simulated(event);
        break;
      case "heartbeat_clock":
        this.stepped(event);
        break;
      case "server_listening":
        this.restarted();
        break;
      default:
        return false;
    }
    if (Number.isNaN(this.first)) this.first = event.t;
    if (!(this.last >= event.t)) this.last = event.t;
    return true;
  }

  /** @param {string} peer */
  client(peer) {
    let found = this.clients.get(peer);
    if (!found) {
      if (this.clients.size >= CLIENTS) this.forget();
      found = new Client(peer, this.made);
      this.made += 1;
      this.clients.set(peer, found);
    }
    return found;
  }

  /** @param {Event} event */
  arrived(event) {
    const client = this.client(event.peer ?? "");
    const { t, seq, word = "", how = "next", late = false, gap = 0, sent = null, delay_ms: delay = null, above_ms: above = null } = event;
    if (how === "restarted" || how === "jumped" || how === "first") client.open = new Map();
    if (how === "restarted") push(client.flags, { t, kind: "restarted", words: "restarted", away: 0 });
    if (how === "jumped") push(client.flags, { t, kind: "jumped", words: "SEQ jumped", away: 0 });
    if (how === "reordered") cameAfterAll(client, seq);
    skipped(client, t, seq, gap);
    push(client.beats, { t, seq, how, late, gap, word, delay, above, sent });
    if (how !== "duplicate" && how !== "reordered") client.newest = t;
    client.received = event.received ?? 0;
    client.lost = event.lost ?? 0;
    client.interval = event.interval ?? null;
    if (how === "duplicate") return;
    client.delay = delay;
    if (delay !== null && above !== null) client.smallest = delay - above;
  }

  /** @param {Event} event */
  turned({ t, peer = "", state, since = t, why, away = 0 }) {
    const client = this.client(peer);
    push(this.turns, { t: since, peer, state, why }, TURNS);
    if (state === "back") push(client.flags, { t: since, kind: "back", words: "back", away });
    client.why = why;
    if (client.state === state && client.spans.at(-1)?.to === null) return;
    const open = client.spans.at(-1);
    const from = open ? Math.max(open.from, since) : since;
    close(client, from);
    client.state = state;
    client.since = since;
    if (state !== "forgotten") push(client.spans, { state, from, to: null, why });
  }

  /** @param {Event} event */
  simulated({ peer = "", request = "", number, does }) {
    const client = this.client(peer);
    client.request = request;
    client.number = number;
    client.does = does === "restarted" ? "sends" : does;
  }

  /** @param {Event} event */
  stepped({ t, peer = "", by_ms: by, why }) {
    const words = `clock ${by < 0 ? "−" : "+"}${Math.abs(by / 1000).toPrecision(2)} s`;
    for (const client of peer ? [this.client(peer)] : this.clients.values()) {
      if (client.lives) push(client.flags, { t, kind: "clock", words, away: 0 });
      if (peer) client.why = why;
    }
  }

  /** How many heartbeats of a request's clients came, or are missing. @param {string} request */
  counted(request) {
    return [...this.clients.values()].reduce((sum, client) => sum + (client.request === request ? client.received + client.lost : 0), 0);
  }

  /** The server began anew: it knows of nobody. */
  restarted() {
    for (const client of this.clients.values()) {
      close(client, this.last);
      if (client.state === "" || client.state === "ended") continue;
      client.state = "ended";
      client.since = this.last;
      client.why = "the server was stopped";
      client.interval = null;
      client.open = new Map();
    }
  }

  /** Make room: first those that are watched no longer, then the longest dead, then whoever came only once. */
  forget() {
    const rank = (/** @type {Client} */ client) => (client.state === "forgotten" || client.state === "ended" ? 0 : client.state === "dead" ? 1 : client.beats.length < 2 ? 2 : 3);
    let found = null;
    for (const client of this.clients.values()) {
      if (!found || rank(client) < rank(found) || (rank(client) === rank(found) && client.since < found.since)) found = client;
    }
    if (found) this.clients.delete(found.peer);
  }

  /** The lanes from top to bottom: the living as they came, then the dead, the newest first, then the others. */
  lanes() {
    const rank = (/** @type {Client} */ client) => (client.lives ? 0 : client.state === "dead" ? 1 : 2);
    return [...this.clients.values()].sort((a, b) => rank(a) - rank(b) || (a.lives ? a.index - b.index : b.since - a.since || a.index - b.index));
  }
}
