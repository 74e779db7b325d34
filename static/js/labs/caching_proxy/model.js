/** The requests to the proxy and what became of each, as its events tell it. Pure. */

import { connectionOf, connectionsOf, newest } from "../../newest.js";
import { quantile } from "../../stats.js";
import { NAMES } from "./verdicts.js";

/** @typedef {import("../../types.js").Event} Event */
/**
 * @typedef {{n: number, t: number, conn: string, peer: string, request: string, number: number, method: string, url: string,
 *   verdict: string, reason: string, status: number, size: number, saved: number, ms: number, originMs: number|null,
 *   origin: string, age: number|null, ttl: number|null, stored: boolean}} Asked
 * @typedef {"cache"|"checked"|"origin"|""} Side where an answer came from, as far as its time is compared
 * @typedef {{count: number, median: number, most: number}} Times in ms; NaN without any
 * @typedef {{verdict: string, url: string, conn: string}} Filter
 * @typedef {{url: string, count: number, cache: Times, origin: Times}} Pair
 */

export const LIMIT = 5000;
const FETCHED = new Set(["MISS", "EXPIRED", "BYPASS"]);

export class Model {
  /** @type {Asked[]} in the order in which they were answered */
  requests = [];
  /** @type {ReturnType<typeof compare>|null} */
  #compared = null;

  clear() {
    this.requests = [];
    this.#compared = null;
  }

  /** The times of all that is kept, with and without the cache. */
  get compared() {
    this.#compared ??= compare(this.requests);
    return this.#compared;
  }

  /** Take in events; whether the cache's contents may have changed. @param {Event[]} events */
  add(events) {
    let touched = false;
    for (const event of events) {
      if (event.kind === "cache_verdict") this.requests.push(asked(event));
      touched ||= event.kind === "cache_verdict" || event.kind === "cache_changed";
    }
    if (touched) this.#compared = null;
    if (this.requests.length > LIMIT) this.requests.splice(0, this.requests.length - LIMIT);
    return touched;
  }

  /** The newest that pass, newest first, and how many pass in all. @param {Filter} filter @param {number} limit */
  newest(filter, limit) {
    return newest(this.requests, passes(filter), limit);
  }

  /** The newest connections with a request, newest first. @param {number} limit */
  connections(limit) {
    return connectionsOf(this.requests, limit);
  }
}

/** Fields at their default are left out on the wire. @param {Event} event @returns {Asked} */
function asked(event) {
  return {
    n: event.n, t: event.t, conn: event.conn ?? "", peer: event.peer ?? "", request: event.request ?? "", number: event.number ?? 0,
    method: event.method ?? "", url: event.url ?? "", verdict: event.verdict, reason: event.reason ?? "", status: event.status ?? 0,
    size: event.size ?? 0, saved: event.saved ?? 0, ms: event.ms ?? 0, originMs: event.origin_ms ?? null, origin: event.origin ?? "",
    age: event.age ?? null, ttl: event.ttl ?? null, stored: event.stored ?? false,
  };
}

/** Which requests are wanted. `verdict` is one, or «from the cache», or «from the origin». @param {Filter} filter */
export function passes({ verdict, url, conn }) {
  const words = url.toLowerCase().split(/\s+/).filter(Boolean);
  return (/** @type {Asked} */ entry) => {
    if (verdict && entry.verdict !== verdict && sideOf(entry) !== verdict) return false;
    if (conn && connectionOf(entry) !== conn) return false;
    const text = `${entry.method} ${entry.url}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
}

/**
 * Where the answer came from. A stale one counts as the cache's only if nobody waited for the origin; COLLAPSED,
 * tunnels and errors count for neither.
 * @param {Asked} entry @returns {Side}
 */
export function sideOf({ verdict, originMs }) {
  if (verdict === "HIT" || (verdict === "STALE" && originMs === null)) return "cache";
  if (verdict === "REVALIDATED") return "checked";
  return FETCHED.has(verdict) && originMs !== null ? "origin" : "";
}

/** @param {number[]} ms @returns {Times} */
export function times(ms) {
  const sorted = [...ms].sort((a, b) => a - b);
  return { count: sorted.length, median: quantile(sorted, 0.5), most: quantile(sorted, 0.95) };
}

/** The times with and without the cache. @param {Asked[]} requests */
export function compare(requests) {
  const of = (/** @type {Side} */ side) => times(requests.filter((entry) => sideOf(entry) === side).map((entry) => entry.ms));
  return { cache: of("cache"), checked: of("checked"), origin: of("origin") };
}

/** URLs that came both from the cache and from the origin; the most asked first. @param {Asked[]} requests @param {number} limit @returns {Pair[]} */
export function pairs(requests, limit) {
  /** @type {Map<string, Asked[]>} */
  const known = new Map();
  for (const entry of requests) {
    if (entry.method !== "GET" || entry.status !== 200) continue;
    const list = known.get(entry.url);
    if (list) list.push(entry);
    else known.set(entry.url, [entry]);
  }
  const found = [...known].map(([url, list]) => ({ url, count: list.length, ...compare(list) }));
  return found.filter(({ cache, origin }) => cache.count && origin.count).sort((a, b) => b.count - a.count).slice(0, limit);
}

/** A line for each verdict that occurs: how many, how long, how much. @param {Asked[]} requests */
export function byVerdict(requests) {
  return NAMES.map((verdict) => {
    const list = requests.filter((entry) => entry.verdict === verdict);
    const sum = (/** @type {"size"|"saved"} */ field) => list.reduce((all, entry) => all + entry[field], 0);
    return { verdict, ...times(list.map((entry) => entry.ms)), size: sum("size"), saved: sum("saved") };
  }).filter(({ count }) => count > 0);
}
