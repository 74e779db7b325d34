/** Pings in columns, by sequence number: typed arrays that grow, so that 10,000 cost no garbage. Pure. */

import { firstWhere } from "../../search.js";

/** A ping's status as a number, in this order. */
export const STATUS = ["reply", "late", "timeout", "corrupt", "duplicate", "answered", "lost_to_server", "lost_to_client"];
const LOST = [false, true, true, true, false, false, true, true];

/** Pings of one client, sorted by `key`, with the losses summed up along the way. */
export class Columns {
  length = 0;
  /** how many were trimmed away at the front, and how many of them were lost */
  before = { sent: 0, lost: 0, replies: 0, rtt: 0 };
  #room = 64;
  #dirty = Infinity;
  key = new Float64Array(this.#room);
  t = new Float64Array(this.#room);
  rtt = new Float64Array(this.#room);
  status = new Uint8Array(this.#room);
  /** lost up to here, of those still held */
  lost = new Uint32Array(this.#room);

  /** Put a ping in its place; one with the same key is replaced. Says whether it is new. @param {number} key @param {number} t @param {number} rtt @param {number} status */
  put(key, t, rtt, status) {
    let place = this.length;
    while (place > 0 && this.key[place - 1] > key) place -= 1;
    const known = place > 0 && this.key[place - 1] === key;
    if (known) place -= 1;
    else this.#open(place);
    this.key[place] = key;
    this.t[place] = t;
    this.rtt[place] = rtt;
    this.status[place] = status;
    this.#dirty = Math.min(this.#dirty, place);
    return !known;
  }

  /** @param {number} place */
  #open(place) {
    if (this.length === this.#room) this.#grow();
    for (const column of [this.key, this.t, this.rtt, this.status, this.lost]) column.copyWithin(place + 1, place, this.length);
    this.length += 1;
  }

  #grow() {
    this.#room *= 2;
    /** @template {Float64Array|Uint8Array|Uint32Array} T @param {T} old @returns {T} */
    const wider = (old) => {
      const column = /** @type {T} */ (new /** @type {any} */ (old.constructor)(this.#room));
      column.set(old);
      return column;
    };
    this.key = wider(this.key);
    this.t = wider(this.t);
    this.rtt = wider(this.rtt);
    this.status = wider(this.status);
    this.lost = wider(this.lost);
  }

  /** Forget the first `count`; the sums keep them. @param {number} count */
  trim(count) {
    for (let place = 0; place < count; place += 1) {
      this.before.sent += 1;
      if (LOST[this.status[place]]) this.before.lost += 1;
      if (this.status[place] === 0) {
        this.before.replies += 1;
        this.before.rtt += this.rtt[place];
      }
    }
    for (const column of [this.key, this.t, this.rtt, this.status]) column.copyWithin(0, count, this.length);
    this.length -= count;
    this.#dirty = 0;
  }

  /** Sum up the losses after changes. */
  settle() {
    for (let place = Math.min(this.#dirty, this.length); place < this.length; place += 1) {
      this.lost[place] = (place ? this.lost[place - 1] : 0) + (LOST[this.status[place]] ? 1 : 0);
    }
    this.#dirty = Infinity;
  }

  /** Loss in % over the last `window` up to a place. @param {number} place @param {number} window */
  recent(place, window) {
    const first = place - window;
    const sent = first < -1 ? place + 1 : Math.min(window, place + 1);
    return (100 * (this.lost[place] - (first >= 0 ? this.lost[first] : 0))) / sent;
  }

  /** Loss in % over all up to a place. @param {number} place */
  overall(place) {
    return (100 * (this.lost[place] + this.before.lost)) / (place + 1 + this.before.sent);
  }

  /** What the legend says. */
  totals() {
    this.settle();
    let { replies, rtt } = this.before;
    for (let place = 0; place < this.length; place += 1) {
      if (this.status[place] !== 0) continue;
      replies += 1;
      rtt += this.rtt[place];
    }
    const sent = this.length + this.before.sent;
    const lost = (this.length ? this.lost[this.length - 1] : 0) + this.before.lost;
    return { sent, lost, percent: sent ? (100 * lost) / sent : NaN, average: replies ? rtt / replies : NaN };
  }
}

/** The first place in a sorted column that is at least `value`. @param {Float64Array} column @param {number} length @param {number} value */
export function firstAtLeast(column, length, value) {
  return firstWhere(column, (each) => each >= value, length);
}
