/** What is known of each client: its heartbeats, what is missing, and its states over time. Pure. */

/** @typedef {import("../../types.js").Event} Event */
/**
 * @typedef {"alive"|"late"|"lost"|"dead"|"back"|"forgotten"|"ended"|""} State ended: the server stopped; "": nothing came yet
 * @typedef {{t: number, seq: number, how: string, late: boolean, gap: number, word: string, delay: number|null,
 *   above: number|null, sent: number|null}} Beat delays in ms
 * @typedef {{t: number, seq: number, came: boolean}} Missing where it should have arrived; it came after all
 * @typedef {{state: State, from: number, to: number|null, why: string}} Span
 * @typedef {{t: number, kind: "back"|"restarted"|"jumped"|"clock", words: string, away: number}} Flag
 * @typedef {{t: number, peer: string, state: State, why: string}} Turn a change of state
 */

/** Heartbeats, crosses, spans and flags kept of a client. */
export const KEPT = 4000;
/** Clients kept. */
export const CLIENTS = 200;
/** Changes of state kept for the table. */
export const TURNS = 500;

const LIVING = new Set(["alive", "late", "lost", "back", ""]);

/** One client, by address and port. */
export class Client {
  /** @param {string} peer @param {number} index */
  constructor(peer, index) {
    this.peer = peer;
    this.index = index;
    this.request = "";
    this.number = 0;
    this.does = "";
    /** @type {State} */
    this.state = "";
    this.since = 0;
    this.why = "";
    /** @type {Beat[]} */
    this.beats = [];
    /** @type {Missing[]} */
    this.missing = [];
    /** @type {Map<number, Missing>} */
    this.open = new Map();
    /** @type {Span[]} */
    this.spans = [];
    /** @type {Flag[]} */
    this.flags = [];
    this.received = 0;
    this.lost = 0;
    /** @type {number|null} */
    this.interval = null;
    /** @type {number|null} */
    this.delay = null;
    /** @type {number|null} */
    this.smallest = null;
    this.newest = NaN;
  }

  get lives() {
    return LIVING.has(this.state);
  }

  /** Lost in percent of what was sent, as far as the numbers tell; NaN: nothing yet. */
  get loss() {
    return (100 * this.lost) / (this.received + this.lost);
  }
}

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

/**
 * The numbers that a heartbeat skipped: crosses, evenly between the newest one and this.
 * @param {Client} client @param {number} t @param {number} seq @param {number} gap
 */
function skipped(client, t, seq, gap) {
  const start = Number.isNaN(client.newest) ? t : client.newest;
  for (let k = Math.max(1, gap - KEPT + 1); k <= gap; k += 1) {
    const cross = { t: start + ((t - start) * k) / (gap + 1), seq: seq - gap - 1 + k, came: false };
    push(client.missing, cross);
    client.open.set(cross.seq, cross);
    if (client.open.size > KEPT) client.open.delete(/** @type {number} */ (client.open.keys().next().value));
  }
}

/** @param {Client} client @param {number} seq */
function cameAfterAll(client, seq) {
  const cross = client.open.get(seq);
  if (cross) cross.came = true;
  client.open.delete(seq);
}

/** @param {Client} client @param {number} t */
function close(client, t) {
  const open = client.spans.at(-1);
  if (open && open.to === null) open.to = Math.max(open.from, t);
}

/** Append; of too many the oldest go, some at a time. @template T @param {T[]} list @param {T} entry @param {number} [limit] */
function push(list, entry, limit = KEPT) {
  list.push(entry);
  if (list.length > 1.25 * limit) list.splice(0, list.length - limit);
}
