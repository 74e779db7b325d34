/** Rows and calls of one connection as the API gives them, brought together page by page. Pure. */

/** @typedef {"to_server"|"to_client"} Way */
/** @typedef {"client"|"server"} Side */
/**
 * @typedef {{n: number, number: number, t: number, after: number, way: Way, transport: "tcp"|"udp", flags: string[],
 *   seq: number, ack: number|null, next_seq: number, raw_seq: number, raw_ack: number, window: number|null, length: number,
 *   options: string, message: string, marks: string[], why: string, client_state: string, server_state: string, gap: number}} Row
 *   one packet, as servers/walk/rows.py says; `gap`: seconds since the packet before
 * @typedef {{n: number, t: number, side: Side, call: string, words: string, error: boolean, told: number}} Call
 * @typedef {{id: string, source: "capture"|"upload"|"events", transport: "tcp"|"udp", client: string, server: string, person: string,
 *   started: number, ended?: number, packets: number, bytes_up: number, bytes_down: number, state: string, note: string}} Connection
 */

/** @type {any[]} */
const NONE = [];
const CONNECTION = { person: "", packets: 0, bytes_up: 0, bytes_down: 0, state: "", note: "" };

/** Rows that are kept of one connection: more than one can read, and less than a page can bear. */
export const MOST = 50_000;

/** @param {Record<string, any>} raw @returns {Connection} */
export function connectionOf(raw) {
  return /** @type {any} */ ({ ...CONNECTION, ...raw });
}

/** With what the API leaves out because it is the default. Spelt out: all have one shape, which is fast. @param {Record<string, any>} raw @param {Row|undefined} previous @returns {Row} */
function rowOf(raw, previous) {
  return {
    n: raw.n, number: raw.number ?? 0, t: raw.t, after: raw.after, way: raw.way, transport: raw.transport ?? "tcp", flags: raw.flags ?? NONE,
    seq: raw.seq ?? 0, ack: raw.ack ?? null, next_seq: raw.next_seq ?? 0, raw_seq: raw.raw_seq ?? 0, raw_ack: raw.raw_ack ?? 0,
    window: raw.window ?? null, length: raw.length ?? 0, options: raw.options ?? "", message: raw.message ?? "", marks: raw.marks ?? NONE,
    why: raw.why ?? "", client_state: raw.client_state ?? "", server_state: raw.server_state ?? "", gap: previous ? raw.t - previous.t : 0,
  };
}

export class Walk {
  constructor() {
    /** In the order in which they were captured. @type {Row[]} */
    this.rows = [];
    /** As they came: the dashboard gives each once. @type {Call[]} */
    this.told = [];
    /** What the page before said: up to where rows and calls were given. */
    this.given = "";
    /** How often it began anew: worked out from events, what is told late may change rows that were given. */
    this.begun = 0;
    this.version = 0;
  }

  /** The number of the newest row. */
  get last() {
    return this.rows.at(-1)?.n ?? 0;
  }

  get full() {
    return this.rows.length >= MOST;
  }

  /** The calls by time. */
  get calls() {
    return [...this.told].sort((a, b) => a.t - b.t || a.told - b.told);
  }

  /** Take in what the API answered; rows that are known already are skipped. Whether any was new. @param {{rows?: any[], calls?: any[], given?: string, anew?: boolean}} page */
  add({ rows = [], calls = [], given = "", anew = false }) {
    if (anew) [this.rows, this.told, this.begun] = [[], [], this.begun + 1];
    this.given = given;
    const before = this.rows.length + this.told.length;
    for (const raw of rows) {
      if (raw.n <= this.last || this.full) continue;
      const previous = this.rows.at(-1);
      this.rows.push(rowOf(raw, previous));
    }
    for (const raw of calls) this.told.push({ error: false, told: 0, ...raw });
    const any = anew || this.rows.length + this.told.length !== before;
    if (any) this.version += 1;
    return any;
  }

  /** The place of the row with that number; -1 if it is not here. @param {number} n */
  placeOf(n) {
    const guess = n - (this.rows[0]?.n ?? 1);
    return this.rows[guess]?.n === n ? guess : this.rows.findIndex((row) => row.n === n);
  }
}

/** Whose line the arrow leaves. @param {Way} way @returns {Side} */
export function sender(way) {
  return way === "to_server" ? "client" : "server";
}

/** @param {Row} row @param {string} flag */
export function has(row, flag) {
  return row.flags.includes(flag);
}

/** The numbers that a segment takes: its bytes, one more for SYN, one more for FIN (RFC 9293, 3.4). @param {Row} row */
export function taken(row) {
  return row.length + Number(has(row, "SYN")) + Number(has(row, "FIN"));
}
