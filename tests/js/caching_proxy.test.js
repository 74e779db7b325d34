import assert from "node:assert/strict";
import { test } from "node:test";
import { longestOf, partsOf } from "../../static/js/labs/caching_proxy/compare.js";
import { byVerdict, compare, LIMIT, Model, pairs, sideOf } from "../../static/js/labs/caching_proxy/model.js";
import { arrowsOf } from "../../static/js/labs/caching_proxy/route.js";
import { LEAST, placesOf, reach, share, ticks } from "../../static/js/labs/caching_proxy/scale.js";
import { NAMES, VERDICTS } from "../../static/js/labs/caching_proxy/verdicts.js";
import { ageWords, fasterWords, freshnessNow, hitRatio, savedWords, shares, speedWords, timesFaster, urlParts } from "../../static/js/labs/caching_proxy/words.js";

let n = 0;
/** @param {string} verdict @param {object} [more] @returns {any} */
const verdict = (verdict, more = {}) => ({ n: (n += 1), kind: "cache_verdict", t: n, conn: "c1", peer: "p:1", number: 1, method: "GET", url: "http://h/a", verdict, status: 200, ms: 1, ...more });
const fetched = (/** @type {string} */ name, /** @type {number} */ ms, more = {}) => verdict(name, { ms, origin_ms: ms / 2, origin: "127.0.0.1:6789", ...more });
/** @param {any[]} events */
const modelOf = (events) => {
  const model = new Model();
  model.add(events);
  return model;
};

test("fields that are left out on the wire have their defaults", () => {
  const [entry] = modelOf([{ n: 1, kind: "cache_verdict", t: 2, conn: "c1", peer: "p:1", number: 1, verdict: "REFUSED" }]).requests;
  assert.deepEqual({ ...entry }, {
    n: 1, t: 2, conn: "c1", peer: "p:1", request: "", number: 1, method: "", url: "", verdict: "REFUSED", reason: "", status: 0,
    size: 0, saved: 0, ms: 0, originMs: null, origin: "", age: null, ttl: null, stored: false,
  });
});

test("verdicts and changes touch the cache's contents, other events do not", () => {
  const model = new Model();
  const found = [[verdict("HIT")], [{ kind: "cache_changed", url: "x", why: "purged" }], [{ kind: "connection_opened", conn: "c1", peer: "p:1" }], []].map((events) => model.add(/** @type {any} */ (events)));
  assert.deepEqual(found, [true, true, false, false]);
  assert.equal(model.requests.length, 1);
});

test("what is kept has bounds", () => {
  const model = modelOf(Array.from({ length: LIMIT + 3 }, () => verdict("HIT")));
  assert.equal(model.requests.length, LIMIT);
  assert.equal(model.newest({ verdict: "", url: "", conn: "" }, 10).total, LIMIT);
});

test("requests are filtered by verdict, side, address and connection, the newest first", () => {
  const model = modelOf([
    verdict("HIT", { ms: 1 }), fetched("MISS", 50, { url: "http://h/Big.png" }), verdict("HIT", { conn: "c2", ms: 2 }),
    fetched("EXPIRED", 60, { method: "HEAD" }), verdict("STALE", { ms: 3 }),
  ]);
  const found = (/** @type {object} */ filter) => model.newest({ verdict: "", url: "", conn: "", ...filter }, 10).shown.map((entry) => entry.ms);
  assert.deepEqual(found({}), [3, 60, 2, 50, 1]);
  assert.deepEqual(found({ verdict: "HIT" }), [2, 1]);
  assert.deepEqual(found({ verdict: "cache" }), [3, 2, 1]);
  assert.deepEqual(found({ verdict: "origin" }), [60, 50]);
  assert.deepEqual(found({ url: "big H/" }), [50]);
  assert.deepEqual(found({ url: "head" }), [60]);
  assert.deepEqual(found({ conn: "c2 p:1" }), [2]);
  assert.deepEqual(model.newest({ verdict: "", url: "", conn: "" }, 2), { shown: model.requests.slice(-2).reverse(), total: 5 });
  assert.deepEqual(model.connections(9).map(({ key, count }) => [key, count]), [["c1 p:1", 4], ["c2 p:1", 1]]);
});

test("an answer counts for the side that it came from", () => {
  const table = /** @type {[any, string][]} */ ([
    [verdict("HIT"), "cache"], [verdict("STALE"), "cache"], [fetched("STALE", 9), ""], [fetched("REVALIDATED", 9), "checked"], [fetched("MISS", 9), "origin"],
    [fetched("EXPIRED", 9), "origin"], [fetched("BYPASS", 9), "origin"], [verdict("MISS", { status: 504 }), ""], [fetched("COLLAPSED", 9), ""],
    [verdict("TUNNEL"), ""], [verdict("REFUSED"), ""], [verdict("FAILED"), ""],
  ]);
  for (const [event, side] of table) assert.equal(sideOf(modelOf([event]).requests[0]), side, event.verdict);
});

test("the medians of both sides are compared", () => {
  const { requests } = modelOf([verdict("HIT", { ms: 0.2 }), verdict("HIT", { ms: 0.6 }), verdict("HIT", { ms: 0.4 }), fetched("MISS", 52), verdict("FAILED", { ms: 9000 })]);
  const compared = compare(requests);
  assert.deepEqual(compared.cache, { count: 3, median: 0.4, most: 0.6 });
  assert.deepEqual([compared.origin.count, compared.origin.median, compared.checked.count], [1, 52, 0]);
  assert.equal(speedWords(compared), "From the cache 0.400 ms, from the origin 52.0 ms: 130 times faster.");
  assert.match(speedWords(compare(requests.slice(0, 3))), /Nothing came from the origin/);
  assert.match(speedWords(compare(requests.slice(3))), /Ask for the same again/);
  assert.equal(speedWords(compare([])), "");
});

test("addresses that came from both sides are paired, the most asked first", () => {
  const { requests } = modelOf([
    fetched("MISS", 40), verdict("HIT", { ms: 2 }), fetched("MISS", 9, { url: "http://h/b" }), verdict("HIT", { url: "http://h/c" }),
    fetched("MISS", 8, { url: "http://h/d" }), verdict("HIT", { url: "http://h/d" }), verdict("HIT", { url: "http://h/d" }), fetched("MISS", 7, { method: "HEAD", url: "http://h/c" }),
  ]);
  assert.deepEqual(pairs(requests, 5).map(({ url, count, cache, origin }) => [url, count, cache.median, origin.median]), [["http://h/d", 3, 1, 8], ["http://h/a", 2, 2, 40]]);
  assert.equal(pairs(requests, 1).length, 1);
});

test("each verdict has its line, in the order of the table", () => {
  const lines = byVerdict(modelOf([fetched("MISS", 4, { size: 10 }), verdict("HIT", { size: 7, saved: 7 }), verdict("HIT", { size: 3, saved: 3 })]).requests);
  assert.deepEqual(lines.map(({ verdict: name, count, size, saved }) => [name, count, size, saved]), [["HIT", 2, 10, 10], ["MISS", 1, 10, 0]]);
});

test("how many times faster, to two digits", () => {
  const table = /** @type {[number, number, string][]} */ ([
    [0.4, 52, "130 times faster"], [1, 1234, "1200 times faster"], [10, 14, "1.4 times faster"], [10, 99.9, "10 times faster"], [1, 12.6, "13 times faster"], [10, 10.2, "no faster"], [10, 3, "no faster"], [0, 5, ""],
  ]);
  for (const [fast, slow, words] of table) assert.equal(fasterWords(fast, slow), words);
  assert.deepEqual([timesFaster(0.4, 52), timesFaster(0, 5), timesFaster(NaN, 5)], ["130", "", ""]);
});

test("ratio and bytes are told from the exact counters", () => {
  const counters = { hits: 6, revalidated: 1, collapsed: 1, misses: 2, refused: 1, failed: 2, bytes_saved: 3000, bytes_fetched: 1000 };
  assert.equal(hitRatio(counters), 70);
  assert.equal(savedWords(counters), "Hit ratio 70 %. 3000 bytes of 4000 bytes (75 %) did not have to come from the origin.");
  assert.deepEqual(shares(counters).map(({ name, count }) => [name, count]), [["hits", 6], ["revalidated", 1], ["collapsed", 1], ["misses", 2], ["refused", 3]]);
  assert.match(savedWords({ hits: 99_999, misses: 1, bytes_saved: 1 }), /^Hit ratio 99.9 %\. 1 byte of 1 byte \(100 %\)/);
  assert.deepEqual([shares({}), savedWords({}), hitRatio({ refused: 4 })], [[], "", NaN]);
});

test("freshness runs down, and goes on as staleness", () => {
  const at = (/** @type {number} */ passed, more = {}) => freshnessNow({ age: 20, ttl: 40, ...more }, passed);
  assert.deepEqual(at(0), { part: 40 / 60, state: "fresh", words: "fresh for 40 s" });
  assert.deepEqual(at(39.5), { part: 0.5 / 60, state: "fresh", words: "fresh for 1 s" });
  assert.deepEqual(at(40), { part: 0, state: "stale", words: "stale for 0 s" });
  assert.deepEqual(at(45), { part: 0, state: "stale", words: "stale for 5 s" });
  assert.equal(at(0, { invalid: true }).state, "invalid");
  assert.deepEqual(at(0, { age: 0, ttl: 0 }), { part: 0, state: "stale", words: "stale for 0 s" });
  assert.deepEqual([0, 119, 120, 7300, 200_000, -4].map(ageWords), ["0 s", "119 s", "2 min", "2 h", "2 days", "0 s"]);
});

test("a URL is cut where it tells the least", () => {
  const table = /** @type {[string, string, string][]} */ ([
    ["http://127.0.0.1:6789/demo/cache/60?x=1", "127.0.0.1:6789", "/demo/cache/60?x=1"], ["https://h/a", "https://h", "/a"], ["example.org:443", "", "example.org:443"], ["http://h", "", "http://h"], ["", "", ""],
  ]);
  for (const [url, first, rest] of table) assert.deepEqual(urlParts(url), [first, rest]);
});

test("no two verdicts look the same", () => {
  const looks = NAMES.map((name) => `${VERDICTS[name].mark} ${VERDICTS[name].filled}`);
  assert.equal(new Set(looks).size, NAMES.length);
  for (const name of NAMES) assert.ok(VERDICTS[name].words && VERDICTS[name].short);
});

test("the drawing shows how far a request went", () => {
  const words = (/** @type {any} */ event) => arrowsOf(modelOf([event]).requests[0]).map((arrow) => `${arrow.from}>${arrow.to} ${arrow.side} ${arrow.words}`);
  assert.deepEqual(words(verdict("HIT", { ms: 0.4 })), ["40>260 out GET", "260>480 none not asked", "260>40 back 200 after 0.400 ms"]);
  assert.deepEqual(words(fetched("MISS", 40)), ["40>260 out GET", "260>480 out GET", "480>260 back head after 20.0 ms", "260>40 back 200 after 40.0 ms"]);
  assert.match(words(fetched("REVALIDATED", 40))[2], /304 after 20.0 ms/);
  assert.match(words(verdict("FAILED", { status: 502, origin: "127.0.0.1:9" }))[2], /loss no usable answer/);
  assert.match(words(verdict("FAILED", { status: 502 }))[1], /none not reached/);
  assert.match(words(fetched("STALE", 40))[1], /out GET/);
  assert.equal(words(verdict("REFUSED", { status: 0 })).at(-1), "260>40 loss no answer after 1.00 ms");
  for (const name of NAMES) assert.ok(words(verdict(name)).length >= 3, name);
});

test("a fetch's bar has its parts in proportion to the longest", () => {
  const fetch = (/** @type {any} */ connect, /** @type {any} */ first, /** @type {any} */ total) => /** @type {any} */ ({ connect_ms: connect, first_byte_ms: first, total_ms: total });
  const parts = (/** @type {any} */ entry, longest = 20) => partsOf(entry, longest).map(({ part }) => part);
  assert.deepEqual(parts(fetch(1, 5, 10)), [5, 20, 25]);
  assert.deepEqual(parts(fetch(null, null, null)), [0, 0, 0]);
  assert.deepEqual(parts(fetch(2, null, null)), [10, 0, 0]);
  assert.equal(longestOf([fetch(1, 2, 3), fetch(1, 9, null), fetch(4, null, null)]), 9);
});

test("the axis has ticks that people read, and is never flat", () => {
  assert.deepEqual(ticks(0.3, 60), [0.5, 1, 2, 5, 10, 20, 50]);
  assert.deepEqual(ticks(0.05, 2000), [0.1, 1, 10, 100, 1000]);
  const [low, high] = reach([{ ms: 5 }]);
  assert.ok(low < 5 && high > 5 && high / low >= 10);
  const [least] = reach([{ ms: 0 }, { ms: 100 }]);
  assert.ok(least > 0 && least < LEAST);
  assert.deepEqual(reach([]), [0.1, 100]);
  assert.deepEqual([share(2, 8), share(8, 2), share(0, 0)], [0.25, 1, 0]);
});

test("labels do not cover one another", () => {
  assert.deepEqual(placesOf([50, 90], 15, 10, 100), [50, 90]);
  assert.deepEqual(placesOf([85, 90], 15, 10, 100), [75, 90]);
  assert.deepEqual(placesOf([90, 85, 88], 15, 10, 100), [90, 60, 75]);
  assert.deepEqual(placesOf([], 15, 10, 100), []);
});
