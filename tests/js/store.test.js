import assert from "node:assert/strict";
import { test } from "node:test";

import { personOf } from "../../static/js/people.js";
import { bounded, EVENTS, initial, reduce } from "../../static/js/store.js";

const instance = /** @type {any} */ ({ id: "x-1", state: "running", counters: {}, dropped: 0 });
const event = (/** @type {number} */ n, more = {}) => ({ n, t: n, kind: "socket_call", ...more });
const events = (/** @type {number} */ from, /** @type {number} */ to) => Array.from({ length: to - from + 1 }, (_, i) => event(from + i));
const frame = (/** @type {number} */ from, /** @type {number} */ to) => /** @type {any} */ ({ type: "frame", frame: { instance: "x-1", n: to, events: events(from, to), counters: { a: to }, dropped: 0, t: to } });
const snapshot = (/** @type {number} */ from, /** @type {number} */ to, resumed = false, marks = /** @type {any[]} */ ([])) =>
  /** @type {any} */ ({ type: "snapshot", snapshot: { instance: "x-1", state: instance, counters: {}, dropped: 0, n: to, resumed, events: events(from, to), series: { marks, seconds: [] }, requests: [], people: {} } });
const run = (/** @type {any[]} */ ...messages) => messages.reduce((before, message) => reduce(before.state, message), { state: initial(instance), change: null });
const numbers = (/** @type {any} */ state) => state.events.map((/** @type {any} */ entry) => entry.n);

test("a frame that comes before the snapshot waits, and is applied once after it", () => {
  const { state, change } = run({ type: "joining" }, frame(4, 6), snapshot(1, 5));
  assert.deepEqual(numbers(state), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(change.events.map((/** @type {any} */ e) => e.n), [1, 2, 3, 4, 5, 6]);
});

test("events already known are skipped", () => {
  assert.deepEqual(numbers(run(snapshot(1, 5), frame(3, 7)).state), [1, 2, 3, 4, 5, 6, 7]);
});

test("a hole in the numbers asks for a snapshot and loses nothing", () => {
  const holed = run(snapshot(1, 5), frame(8, 9));
  assert.equal(holed.change.hole, true);
  const { state } = reduce(holed.state, snapshot(6, 8, true));
  assert.deepEqual(numbers(state), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("a reconnecting page gets no twins", () => {
  const { state } = run(snapshot(1, 5), { type: "joining" }, frame(7, 8), snapshot(4, 7, true));
  assert.deepEqual(numbers(state), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test("a snapshot that is not resumed replaces everything", () => {
  const { state, change } = run(snapshot(1, 5), { type: "joining" }, snapshot(20, 22));
  assert.deepEqual(numbers(state), [20, 21, 22]);
  assert.equal(change.replaced, true);
});

test("marks of a snapshot and of the frames after it come once each", () => {
  const { change } = run(snapshot(1, 5, false, [event(2)]), { type: "joining" }, snapshot(4, 7, true, [event(2), event(6)]));
  assert.deepEqual(change.marks.map((/** @type {any} */ e) => e.n), [6]);
});

test("memory is bounded", () => {
  const { state } = run(snapshot(1, EVENTS), frame(EVENTS + 1, EVENTS + 50));
  assert.equal(state.events.length, EVENTS);
  assert.equal(state.events[0].n, 51);
  assert.deepEqual(bounded([1, 2], [3, 4, 5], 2), [4, 5]);
});

test("one value per second is kept for the charts", () => {
  const first = /** @type {any} */ (frame(2, 2));
  first.frame.t = 2.5;
  assert.deepEqual(run(snapshot(1, 1), frame(2, 2), first, frame(3, 3)).state.seconds.map((/** @type {any} */ s) => s[0]), [2.5, 3]);
});

test("a request is updated in place, a new one comes first", () => {
  const { state } = run({ type: "request", request: { id: "r1", state: "queued" } }, { type: "request", request: { id: "r2", state: "queued" } }, { type: "request", request: { id: "r1", state: "done" } });
  assert.deepEqual(state.requests.map((/** @type {any} */ r) => `${r.id} ${r.state}`), ["r2 queued", "r1 done"]);
});

test("a peer is named after its request's person, else after its machine's", () => {
  const { state } = run(snapshot(1, 1), { type: "request", request: { id: "r1", person: "Ana", state: "running" } });
  const next = reduce(state, { type: "frame", frame: /** @type {any} */ ({ n: 2, events: [event(2, { peer: "10.0.0.5:9", request: "r1" })], counters: {}, dropped: 0, t: 2 }) }).state;
  const named = { ...next, people: { "10.0.0.6": "Ben", "::1": "Cho" } };
  assert.equal(personOf(named, "10.0.0.5:9"), "Ana");
  assert.equal(personOf(named, "10.0.0.6:1234"), "Ben");
  assert.equal(personOf(named, "[::1]:1234"), "Cho");
  assert.equal(personOf(named, "10.0.0.7:1"), "");
});
