/** What the numbers say, in sentences. Pure. */

import { count, milliseconds, number, percent, plural, size } from "../../format.js";

/** @typedef {import("./model.js").Times} Times */

/** How many times faster, to two digits: «130», «1.4»; "" if that cannot be said. @param {number} fast @param {number} slow both in ms */
export function timesFaster(fast, slow) {
  const ratio = slow / fast;
  if (!Number.isFinite(ratio)) return "";
  const steps = 10 ** Math.max(0, Math.floor(Math.log10(ratio)) - 1);
  return ratio < 10 ? number(ratio, 1) : count(Math.round(ratio / steps) * steps);
}

/** «130 times faster», «no faster». @param {number} fast @param {number} slow both in ms */
export function fasterWords(fast, slow) {
  if (slow < 1.05 * fast) return "no faster";
  const times = timesFaster(fast, slow);
  return times && `${times} times faster`;
}

/** «From the cache 0.412 ms, from the origin 52.1 ms: 130 times faster.» @param {{cache: Times, origin: Times}} compared */
export function speedWords({ cache, origin }) {
  if (cache.count && origin.count) return `From the cache ${milliseconds(cache.median)}, from the origin ${milliseconds(origin.median)}: ${fasterWords(cache.median, origin.median)}.`;
  if (cache.count) return `From the cache ${milliseconds(cache.median)}. Nothing came from the origin yet.`;
  if (origin.count) return `From the origin ${milliseconds(origin.median)}. Ask for the same again: the second answer may come from the cache.`;
  return "";
}

/**
 * The parts of the bar: answers by where they came from, with the exact counters.
 * @param {Record<string, number>} counters @returns {{name: string, words: string, count: number}[]}
 */
export function shares({ hits = 0, revalidated = 0, collapsed = 0, misses = 0, refused = 0, failed = 0 }) {
  return [
    { name: "hits", words: "from the cache", count: hits }, { name: "revalidated", words: "asked, still good", count: revalidated },
    { name: "collapsed", words: "shared a fetch", count: collapsed }, { name: "misses", words: "from the origin", count: misses },
    { name: "refused", words: "refused or failed", count: refused + failed },
  ].filter((part) => part.count > 0);
}

/** The hit ratio in %: answers that needed no body from the origin, of all that were answered. NaN without any. @param {Record<string, number>} counters */
export function hitRatio({ hits = 0, revalidated = 0, collapsed = 0, misses = 0 }) {
  const answered = hits + revalidated + collapsed + misses;
  return answered ? (100 * (hits + revalidated)) / answered : NaN;
}

/** A share that is not all of it is never called 100 %. @param {number} share of 100 */
function shareWords(share) {
  return percent(share < 100 ? Math.min(share, 99.9) : share);
}

/** @param {Record<string, number>} counters */
export function savedWords(counters) {
  const ratio = hitRatio(counters);
  if (Number.isNaN(ratio)) return "";
  const { bytes_saved: saved = 0, bytes_fetched: fetched = 0 } = counters;
  const bytes = saved + fetched ? ` ${size(saved).join(" ")} of ${size(saved + fetched).join(" ")} (${shareWords((100 * saved) / (saved + fetched))}) did not have to come from the origin.` : "";
  return `Hit ratio ${shareWords(ratio)}.${bytes}`;
}

/** Seconds as people say them: 42 s, 3 min, 2 h, 5 days. @param {number} seconds */
export function ageWords(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min`;
  if (whole < 172_800) return `${Math.floor(whole / 3600)} h`;
  return plural(Math.floor(whole / 86_400), "day");
}

/**
 * How fresh a stored response is now: what is left of its lifetime, from 0 to 1, and words.
 * @param {{age: number, ttl: number, invalid?: boolean}} entry as they were when it was read @param {number} passed seconds since then
 * @returns {{part: number, state: "fresh"|"stale"|"invalid", words: string}}
 */
export function freshnessNow({ age, ttl, invalid = false }, passed) {
  if (invalid) return { part: 0, state: "invalid", words: "invalidated: must be checked first" };
  const left = ttl - passed;
  if (left <= 0) return { part: 0, state: "stale", words: `stale for ${ageWords(-left)}` };
  const lifetime = Math.max(1e-9, age + ttl);
  return { part: Math.min(1, left / lifetime), state: "fresh", words: `fresh for ${ageWords(Math.ceil(left))}` };
}

/** A URL in the part that may be cut first and the part that tells it apart. @param {string} url @returns {[string, string]} */
export function urlParts(url) {
  const found = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)(.*)$/i.exec(url);
  return found && found[3] ? [found[1].toLowerCase() === "http://" ? found[2] : found[1] + found[2], found[3]] : ["", url];
}
