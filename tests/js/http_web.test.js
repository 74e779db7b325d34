import assert from "node:assert/strict";
import { test } from "node:test";
import { ASKS, CONNECTIONS, Model } from "../../static/js/labs/http_web/model.js";
import { quantile } from "../../static/js/stats.js";

/** @param {string} kind @param {number} t @param {object} [more] @returns {any} */
const event = (kind, t, more = {}) => ({ n: 0, kind, t, conn: "c1", peer: "p:1", ...more });
const opened = (/** @type {number} */ t, more = {}) => event("connection_opened", t, more);
const closed = (/** @type {number} */ t, more = {}) => event("connection_closed", t, { reason: "done", ...more });
const asked = (/** @type {number} */ t, number = 1, more = {}) => event("http_request", t, { number, method: "GET", target: "/", ...more });
const answered = (/** @type {number} */ t, number = 1, more = {}) => event("http_response", t, { number, method: "GET", target: "/", status: 200, ms: 10, size: 5, ...more });

test("a connection has its requests, and each its answer", () => {
  const model = new Model();
  model.add([opened(1), asked(2), asked(2.5, 2)]);
  assert.ok(model.open);
  assert.deepEqual(model.connections[0].asks.map((ask) => ask.done), [null, null]);
  model.add([answered(3), answered(3.5, 2, { status: 404 }), closed(4)]);
  const [conn] = model.connections;
  assert.deepEqual([conn.opened, conn.closed, conn.reason], [1, 4, "done"]);
  assert.deepEqual(conn.asks.map((ask) => [ask.at, ask.done, ask.status]), [[2, 3, 200], [2.5, 3.5, 404]]);
  assert.ok(!model.open);
});

test("a name that comes again is another connection", () => {
  const model = new Model();
  model.add([opened(1), asked(2), event("server_listening", 9), opened(10, { peer: "p:2" }), asked(11, 1, { peer: "p:2" }), answered(12, 1, { peer: "p:2" })]);
  assert.deepEqual(model.connections.map((conn) => [conn.peer, conn.closed, conn.asks.length]), [["p:1", 2, 1], ["p:2", null, 1]]);
});

test("the end that our own client tells is no further connection", () => {
  const model = new Model();
  model.add([opened(1), opened(1, { conn: "client-5000", peer: "s:80" }), asked(2), closed(3, { conn: "client-5000", peer: "s:80" })]);
  assert.deepEqual(model.connections.map((conn) => [conn.name, conn.closed]), [["c1", null]]);
});

test("what was left out does no harm", () => {
  const model = new Model();
  model.add([answered(5, 3), closed(8, { conn: "c2", seconds: 2 })]);
  assert.deepEqual(model.connections.map((conn) => [conn.name, conn.opened, conn.asks.length]), [["c1", 5, 1], ["c2", 6, 0]]);
  assert.equal(model.connections[0].asks[0].at, 4.99);
});

test("a request without an answer ends with its connection", () => {
  const model = new Model();
  model.add([opened(1), asked(2), closed(3)]);
  assert.deepEqual(model.connections[0].asks.map((ask) => [ask.done, ask.status]), [[3, 0]]);
});

test("memory is bounded", () => {
  const model = new Model();
  for (let i = 0; i < 2000; i += 1) model.add([opened(i, { conn: `c${i}` }), closed(i + 0.5, { conn: `c${i}` })]);
  assert.equal(model.connections.length, CONNECTIONS);
  assert.equal(model.connections.at(-1)?.name, "c1999");
  model.add([opened(3000)]);
  for (let i = 1; i < 1000; i += 1) model.add([asked(3000 + i, i), answered(3000 + i, i)]);
  assert.equal(model.connections.at(-1)?.asks.length, ASKS);
  assert.ok(model.numbers(4000).count <= 500);
});

test("rows: the open ones first, then the newest, in the order they came", () => {
  const model = new Model();
  model.add([opened(1, { conn: "old" })]);
  for (let i = 2; i < 9; i += 1) model.add([opened(i, { conn: `c${i}` }), closed(i + 0.5, { conn: `c${i}` })]);
  assert.deepEqual(model.rows(3, 0, 10).map((conn) => conn.name), ["old", "c7", "c8"]);
  assert.deepEqual(model.rows(3, 0, 4).map((conn) => conn.name), ["old", "c3", "c4"]);
  assert.deepEqual(model.rows(9, 8.6, 9).map((conn) => conn.name), ["old"]);
});

test("requests a second, median and 95 of 100", () => {
  const model = new Model();
  model.add([opened(1)]);
  for (let i = 1; i <= 100; i += 1) model.add([asked(100 + i / 25, i), answered(100 + i / 25, i, { ms: i })]);
  const { rate, median, most } = model.numbers(104);
  assert.deepEqual([rate, median, most], [20, 50, 95]);
  assert.equal(model.numbers(200).rate, 0);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});
