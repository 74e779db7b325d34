/** One client: its heartbeats, what is missing, and its states over time. Pure. */

/**
 * @typedef {"alive"|"late"|"lost"|"dead"|"back"|"forgotten"|"ended"|""} State ended: the server stopped; "": nothing came yet
 * @typedef {{t: number, seq: number, how: string, late: boolean, gap: number, word: string, delay: number|null,
 *   above: number|null, sent: number|null}} Beat delays in ms
 * @typedef {{t: number, seq: number, came: boolean}} Missing where it should have arrived; it came after all
 * @typedef {{state: State, from: number, to: number|null, why: string}} Span
 * @typedef {{t: number, kind: "back"|"restarted"|"jumped"|"clock", words: string, away: number}} Flag
 */

/** Heartbeats, crosses, spans and flags kept of a client. */
export const KEPT = 4000;
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

/**
 * The numbers that a heartbeat skipped: crosses, evenly between the newest one and this.
 * @param {Client} client @param {number} t @param {number} seq @param {number} gap
 */
export function skipped(client, t, seq, gap) {
  const start = Number.isNaN(client.newest) ? t : client.newest;
  for (let k = Math.max(1, gap - KEPT + 1); k <= gap; k += 1) {
    const cross = { t: start + ((t - start) * k) / (gap + 1), seq: seq - gap - 1 + k, came: false };
    push(client.missing, cross);
    client.open.set(cross.seq, cross);
    if (client.open.size > KEPT) client.open.delete(/** @type {number} */ (client.open.keys().next().value));
  }
}

/** @param {Client} client @param {number} seq */
export function cameAfterAll(client, seq) {
  const cross = client.open.get(seq);
  if (cross) cross.came = true;
  client.open.delete(seq);
}

/** @param {Client} client @param {number} t */
export function close(client, t) {
  const open = client.spans.at(-1);
  if (open && open.to === null) open.to = Math.max(open.from, t);
}

/** Append; of too many the oldest go, some at a time. @template T @param {T[]} list @param {T} entry @param {number} [limit] */
export function push(list, entry, limit = KEPT) {
  list.push(entry);
  if (list.length > 1.25 * limit) list.splice(0, list.length - limit);
}
