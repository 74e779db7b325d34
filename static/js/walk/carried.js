/** Which packet carried a call's bytes, where they can be counted. Pure. */

/** @typedef {import("./model.js").Row} Row */
/** @typedef {import("./model.js").Call} Call */

/** A call is told after it has returned, and its packet may leave a little later. */
export const SLACK = 0.05;

/** One direction's bytes, counted along the calls: which packet carried them. Where calls were not told the count goes astray, and times decide. */
export class Carried {
  /** @param {Row[]} rows @param {import("./model.js").Way} way */
  constructor(rows, way) {
    this.rows = rows;
    /** @type {number[]} */
    this.places = [];
    for (let place = 0; place < rows.length; place += 1) if (rows[place].way === way && rows[place].length > 0) this.places.push(place);
    this.at = 0;
    this.offset = 0;
  }

  /** The packet with the call's first byte. @param {Call} call */
  first(call) {
    const from = this.offset;
    this.offset += sizeOf(call);
    return this.#fits(this.#with(from), call);
  }

  /** The packet with the call's last byte. @param {Call} call */
  last(call) {
    this.offset += sizeOf(call);
    return this.#fits(this.#with(this.offset - 1), call);
  }

  /** The first packet that carried that byte; bytes count from 0, sequence numbers behind the SYN from 1. @param {number} offset */
  #with(offset) {
    const covers = (/** @type {number} */ place) => this.rows[place].next_seq - 1 > offset;
    while (this.at < this.places.length && !covers(this.places[this.at])) this.at += 1;
    const place = this.places[this.at];
    return place !== undefined && this.rows[place].seq - 1 <= offset ? place : undefined;
  }

  /** @param {number|undefined} place @param {Call} call */
  #fits(place, call) {
    const fine = place !== undefined && sizeOf(call) > 0 && this.rows[place].t < call.t + SLACK;
    return fine ? place : undefined;
  }
}

/** The bytes that a call moved, as its words tell: «send(322 bytes) = 322», «recv(2048) = 279 bytes». @param {Call} call */
function sizeOf({ words, error }) {
  return error ? 0 : Number(/\) = (\d+)( bytes|$)/.exec(words)?.[1] ?? 0);
}
