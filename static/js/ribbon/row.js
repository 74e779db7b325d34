/** One row of the ribbon: the calls of one end, one way, in the order of their bytes. Pure. */

import { firstWhere } from "../search.js";

/**
 * @typedef {{number: number, sure: boolean, offset: number, size: number, asked: number, t: number, head: string}} Call
 *   `number` counts from 1; not `sure`: calls before it were not told, so that it is this at the least.
 *   `offset` bytes went this way before it. `asked`: recv(asked), or what send() was given; 0: not told. `head`: base64.
 * @typedef {{from: number, to: number, forgotten: boolean}} Gap bytes whose calls are not known, or no longer
 */

/** Calls kept of a row: 20,000 of both ends, one way. */
export const CALLS = 10_000;
const AT_ONCE = 1_000;

export class Row {
  constructor() {
    /** @type {Call[]} */
    this.calls = [];
    /** @type {Gap[]} */
    this.gaps = [];
    /** Bytes up to the end of the newest call. */
    this.end = 0;
    /** Calls told, those let go included. */
    this.told = 0;
    /** Bytes in all, as the connection's end told; null: it goes on. @type {number|null} */
    this.total = null;
    this.sure = true;
  }

  /** The newest call. One that was told without its offset comes after those before. @param {Omit<Call, "number"|"sure">} told */
  add(told) {
    const offset = Math.max(told.offset, this.end);
    if (offset > this.end) {
      this.gaps.push({ from: this.end, to: offset, forgotten: false });
      this.sure = false;
    }
    this.told += 1;
    this.calls.push({ ...told, offset, number: this.told, sure: this.sure });
    this.end = offset + told.size;
    if (this.calls.length <= CALLS) return 1;
    this.calls.splice(0, AT_ONCE);
    const { offset: from } = this.calls[0];
    this.gaps = [{ from: 0, to: from, forgotten: true }, ...this.gaps.filter((gap) => gap.to > from)];
    return 1 - AT_ONCE;
  }

  /** How far the bytes go that are known of. */
  get extent() {
    return Math.max(this.end, this.total ?? 0);
  }

  /** The place of the first call with bytes behind `offset`. @param {number} offset */
  first(offset) {
    return firstWhere(this.calls, (call) => call.offset + call.size > offset);
  }

  /** The places of the calls with bytes in [from, to): [first, behind the last]. @param {number} from @param {number} to @returns {[number, number]} */
  between(from, to) {
    const start = this.first(from);
    return [start, Math.max(start, firstWhere(this.calls, (call) => call.offset >= to))];
  }

  /** What is not known of the bytes in [from, to). @param {number} from @param {number} to */
  missing(from, to) {
    const found = this.gaps.slice(firstWhere(this.gaps, (gap) => gap.to > from), firstWhere(this.gaps, (gap) => gap.from >= to));
    const total = this.total ?? 0;
    if (total > this.end && total > from && this.end < to) found.push({ from: this.end, to: total, forgotten: false });
    return found;
  }

  /** Whether the calls of all bytes in [from, to) are known. @param {number} from @param {number} to */
  whole(from, to) {
    return to <= this.end && this.missing(from, to).length === 0;
  }
}
