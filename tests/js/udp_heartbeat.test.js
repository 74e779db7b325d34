import assert from "node:assert/strict";
import { test } from "node:test";
import { axisTimes, firstAt, layLane, LEAST, nearestTo, stepsOf, topOf } from "../../static/js/labs/udp_heartbeat/layout.js";
import { KEPT } from "../../static/js/labs/udp_heartbeat/client.js";
import { CLIENTS, Model } from "../../static/js/labs/udp_heartbeat/model.js";
import { beatWords, delayWords, figures, foundWords, negativeWords, sinceWords } from "../../static/js/labs/udp_heartbeat/words.js";

let n = 0;
/** @param {number} t @param {number} seq @param {object} [more] @returns {any} */
const beat = (t, seq, more = {}) => ({ n: (n += 1), t, kind: "heartbeat_arrived", peer: "p:1", word: "HB", seq, ...more });
/** @param {number} t @param {string} state @param {object} [more] @returns {any} */
const state = (t, state, more = {}) => ({ n: (n += 1), t, kind: "heartbeat_state", peer: "p:1", state, since: t, why: `why ${state}`, ...more });
/** @param {...any} events */
function modelOf(...events) {
  const model = new Model();
  model.add(events);
  return model;
}
/** @param {Model} model */
const one = (model) => /** @type {import("../../static/js/labs/udp_heartbeat/client.js").Client} */ (model.clients.get("p:1"));

test("fields that are left out on the wire have their defaults", () => {
  const client = one(modelOf(beat(10, 1)));
  assert.deepEqual(client.beats, [{ t: 10, seq: 1, how: "next", late: false, gap: 0, word: "HB", delay: null, above: null, sent: null }]);
  assert.deepEqual([client.received, client.lost, client.interval, client.delay], [0, 0, null, null]);
});

test("missing numbers are crosses, evenly where they should have arrived", () => {
  const client = one(modelOf(beat(10, 1), beat(14, 5, { how: "gap", gap: 3, lost: 3, received: 2 })));
  assert.deepEqual(client.missing.map(({ t, seq }) => [t, seq]), [[11, 2], [12, 3], [13, 4]]);
  assert.equal(client.loss, 60);
});

test("what comes after all is no cross any more, and a copy changes nothing", () => {
  const model = modelOf(beat(10, 1), beat(12, 3, { how: "gap", gap: 1, lost: 1 }), beat(12.5, 2, { how: "reordered", lost: 0 }), beat(12.6, 2, { how: "duplicate" }), beat(14, 5, { how: "gap", gap: 1, lost: 1 }));
  const laid = layLane(one(model), [0, 20], 200, 1);
  assert.deepEqual(laid.crosses.map(({ x, cross }) => [x, cross.seq]), [[130, 4]]); // the second gap counts from 12, not from what was overtaken
  assert.deepEqual(laid.ticks.map(({ look }) => look), ["plain", "plain", "overtaken", "copy", "plain"]);
});

test("after a restart the same numbers are other ones", () => {
  const client = one(modelOf(beat(10, 1), beat(12, 3, { how: "gap", gap: 1 }), beat(13, 1, { how: "restarted" }), beat(15, 3, { how: "gap", gap: 1 }), beat(16, 2, { how: "reordered" })));
  assert.deepEqual(client.missing.map(({ t, came }) => [t, came]), [[11, false], [14, true]]);
  assert.deepEqual(client.flags.map(({ t, kind }) => [t, kind]), [[13, "restarted"]]);
});

test("states are spans without a hole, and a state that was due before begins when it was due", () => {
  const model = modelOf(beat(10, 1), state(10, "alive"), state(13.2, "late", { since: 11.5 }), state(15, "dead"), beat(18, 2), state(18, "back", { away: 8 }), state(19, "alive"), state(20, "alive"));
  assert.deepEqual(one(model).spans.map(({ state, from, to }) => [state, from, to]), [["alive", 10, 11.5], ["late", 11.5, 15], ["dead", 15, 18], ["back", 18, 19], ["alive", 19, null]]);
  const { bands, marks } = layLane(one(model), [16, 20], 400, 1);
  assert.deepEqual(bands.map(({ state, x, width }) => [state, x, width]), [["dead", 0, 200], ["back", 200, 100], ["alive", 300, 100]]);
  assert.deepEqual(marks.map(({ words, x }) => [words, x]), [["back after 8.0 s", 200]]);
  assert.equal(one(model).since, 19);
});

test("a time-out that is made shorter may lie before the state it ends", () => {
  const model = modelOf(state(10, "alive"), state(12, "late"), state(14, "dead", { since: 11 }));
  assert.deepEqual(one(model).spans.map(({ state, from, to }) => [state, from, to]), [["alive", 10, 12], ["late", 12, 12], ["dead", 12, null]]);
  assert.deepEqual(layLane(one(model), [10, 20], 100, 1).bands.map(({ state }) => state), ["alive", "dead"]);
});

test("a server that begins anew knows of nobody", () => {
  const model = modelOf(beat(10, 1), state(10, "alive"), beat(11, 2), { n: 99, t: 60, kind: "server_listening", address: "x", pid: 1 });
  assert.equal(one(model).state, "ended");
  assert.deepEqual(one(model).spans.map(({ from, to }) => [from, to]), [[10, 11]]);
  model.add([beat(61, 3, { how: "first" }), state(61, "alive")]);
  assert.deepEqual(one(model).spans.map(({ from, to }) => [from, to]), [[10, 11], [61, null]]);
  assert.equal(one(model).missing.length, 0);
});

test("the dead sink below the living, the newest dead first, the forgotten last", () => {
  const events = ["a", "b", "c", "d", "e"].map((peer) => state(1, "alive", { peer }));
  const model = modelOf(...events, state(5, "dead", { peer: "a" }), state(6, "dead", { peer: "c" }), state(7, "forgotten", { peer: "b" }), state(8, "late", { peer: "e" }));
  assert.deepEqual(model.lanes().map(({ peer }) => peer), ["d", "e", "c", "a", "b"]);
});

test("a simulated client is known before anything of it arrived", () => {
  const model = modelOf({ n: 1, t: 5, kind: "heartbeat_client", peer: "p:1", request: "r3", number: 2, does: "sends", server: "s" });
  assert.deepEqual([one(model).request, one(model).number, one(model).does, one(model).state], ["r3", 2, "sends", ""]);
  model.add([{ n: 2, t: 6, kind: "heartbeat_client", peer: "p:1", request: "r3", number: 2, does: "restarted", server: "s" }]);
  assert.equal(one(model).does, "sends");
  assert.equal(sinceWords(one(model), 10), "not heard yet");
});

test("a clock that was set is a flag, on every living lane where it is the server's own", () => {
  const clock = (/** @type {object} */ more) => /** @type {any} */ ({ n: 5, t: 9, kind: "heartbeat_clock", by_ms: -2000, why: "w", ...more });
  const model = modelOf(state(1, "alive"), state(1, "alive", { peer: "q:1" }), clock({ peer: "p:1" }), clock({}));
  assert.deepEqual([...model.clients.values()].map(({ flags }) => flags.map(({ words }) => words)), [["clock −2.0 s", "clock −2.0 s"], ["clock −2.0 s"]]);
});

test("what is kept has bounds, and strangers go first", () => {
  const model = modelOf(...Array.from({ length: 2 * KEPT }, (_, k) => beat(k, k)));
  assert.ok(one(model).beats.length <= 1.25 * KEPT);
  assert.equal(one(model).beats.at(-1)?.seq, 2 * KEPT - 1);
  model.add([beat(1e6, 1e6, { how: "gap", gap: 9000 })]);
  assert.ok(one(model).missing.length <= 1.25 * KEPT);
  assert.ok(one(model).open.size <= KEPT);
  model.add([state(2e6, "alive"), ...Array.from({ length: 3 * CLIENTS }, (_, k) => beat(2e6 + k, 1, { peer: `f:${k}`, how: "first" }))]);
  assert.equal(model.clients.size, CLIENTS);
  assert.ok(model.clients.has("p:1"));
  model.clear();
  assert.equal(model.clients.size, 0);
});

test("a tick's height says how far its delay is above the smallest", () => {
  const model = modelOf(beat(1, 1, { delay_ms: 5, above_ms: 0 }), beat(2, 2, { delay_ms: 13, above_ms: 8 }), beat(3, 3), beat(4, 4, { late: true, above_ms: 4 }));
  const top = topOf([one(model)], [0, 10]);
  assert.equal(top, 10);
  assert.deepEqual(layLane(one(model), [0, 10], 100, top).ticks.map(({ height, look }) => [Number(height.toFixed(3)), look]), [[LEAST, "plain"], [0.85, "plain"], [LEAST, "plain"], [0.55, "late"]]);
  assert.equal(topOf([], [0, 1]), 1);
});

test("only what is in view is laid out, and of very many no more than can be seen", () => {
  const model = modelOf(...Array.from({ length: 4000 }, (_, k) => beat(k / 100, k)));
  assert.equal(layLane(one(model), [10, 20], 100, 1).ticks.length, 1001);
  assert.ok(layLane(one(model), [0, 40], 100, 1).ticks.length <= 301);
  assert.equal(firstAt(one(model).beats, 10), 1000);
});

test("the axis has round times, so many as there is room for", () => {
  assert.deepEqual(axisTimes([100.5, 160.5], 5), { step: 15, times: [105, 120, 135, 150] });
  assert.ok(axisTimes([0, 1e6], 4).times.length < 80);
});

test("what is next to the pointer is read, else the band below it", () => {
  const model = modelOf(state(0, "alive"), beat(1, 1), beat(5, 3, { how: "gap", gap: 1 }), state(9, "dead"));
  const laid = layLane(one(model), [0, 10], 1000, 1);
  assert.equal(nearestTo(laid, 105)?.kind, "beat");
  assert.equal(nearestTo(laid, 295)?.kind, "missing");
  assert.equal(foundWords(/** @type {any} */ (nearestTo(laid, 950))), "dead: why dead");
  assert.equal(foundWords(/** @type {any} */ (nearestTo(laid, 295))).startsWith("2 is missing"), true);
  assert.equal(nearestTo(layLane(one(model), [-20, -10], 100, 1), 50), null);
  assert.deepEqual(stepsOf(laid).map(({ x }) => x), [100, 300, 500]);
});

test("a heartbeat in words", () => {
  const words = (/** @type {object} */ more) => beatWords(one(modelOf(beat(1, 4, more))).beats[0]).replace(/ at [\d:.]+/, "");
  assert.equal(words({ sent: 1, delay_ms: 12.3, above_ms: 2 }), "HB 4, delay 12.3 ms (2.00 ms above the smallest)");
  assert.equal(words({ sent: 1, delay_ms: -3000, above_ms: 0, word: "" }), "heartbeat 4, delay −3000 ms (0.000 ms above the smallest)");
  assert.equal(words({ sent: 1, above_ms: 1 }), "HB 4, its TIME is of another kind of clock: no delay (1.00 ms above the smallest)");
  assert.equal(words({ how: "gap", gap: 2, late: true }), "HB 4, its TIME cannot be read, 2 missing before it, late");
  assert.equal(words({ how: "duplicate" }), "HB 4, a copy: it came before");
});

test("delays and figures in words", () => {
  assert.deepEqual([null, 0.5, -0.5, 250, -12_345, 86_400_000].map(delayWords), ["–", "0.500 ms", "−0.500 ms", "250 ms", "−12.3 s", "86400 s"]);
  const client = one(modelOf(beat(1, 1, { received: 9, lost: 1, interval: 0.5, sent: 1, delay_ms: -20, above_ms: 0 }), state(1, "alive")));
  assert.deepEqual(figures(client), [["received", "9"], ["lost", "1 (10 %)"], ["delay", "−20.0 ms"], ["every", "0.5 s"]]);
  assert.match(negativeWords([client]), /negative: −20\.0 ms/);
  assert.equal(sinceWords(client, 13), "alive 12 s");
});
