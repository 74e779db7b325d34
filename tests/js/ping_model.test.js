import assert from "node:assert/strict";
import { test } from "node:test";

import { Columns, firstAtLeast } from "../../static/js/labs/udp_ping/columns.js";
import { LIMIT, Model, shown } from "../../static/js/labs/udp_ping/model.js";

const outcome = (/** @type {number} */ seq, /** @type {string} */ status, /** @type {number|null} */ rtt = null, peer = "a:1") =>
  /** @type {any} */ ({ n: 0, t: 100 + seq / 10, kind: "ping_outcome", peer, seq, status, ...(rtt === null ? {} : { rtt_ms: rtt }), request: "r1" });
const fate = (/** @type {number|null} */ seq, /** @type {string} */ what, more = {}) =>
  /** @type {any} */ ({ n: 0, t: 100 + (seq ?? 0) / 10, kind: "ping_fate", peer: "b:2", ...(seq === null ? {} : { seq }), fate: what, arrived: seq ?? 1, ...more });
const only = (/** @type {Model} */ model) => /** @type {any} */ (model.clients.values().next().value);

test("each ping is one point, whatever the order in which outcomes come", () => {
  const model = new Model();
  model.add([outcome(1, "reply", 1), outcome(3, "reply", 2), outcome(2, "timeout")]);
  assert.deepEqual(model.points().map(({ seq, status, rtt_ms: rtt }) => [seq, status, rtt]), [[1, "reply", 1], [2, "timeout", null], [3, "reply", 2]]);
  assert.equal(model.done.get("r1"), 3);
});

test("a late reply takes the place of its time-out and still counts as lost", () => {
  const model = new Model();
  model.add([outcome(1, "timeout")]);
  model.add([outcome(1, "late", 1500)]);
  assert.deepEqual(model.points().map(({ status, rtt_ms: rtt }) => [status, rtt]), [["late", 1500]]);
  assert.equal(only(model).pings.totals().lost, 1);
  assert.equal(model.done.get("r1"), 1);
});

test("a duplicate is a point of its own and no ping of its own", () => {
  const model = new Model();
  model.add([outcome(1, "reply", 1), outcome(1, "duplicate", 3)]);
  assert.deepEqual(model.points().map(({ status }) => status), ["reply", "duplicate"]);
  assert.equal(only(model).pings.totals().sent, 1);
});

test("loss over the last ten and over all", () => {
  const columns = new Columns();
  for (let seq = 1; seq <= 20; seq += 1) columns.put(seq, seq, 1, seq <= 10 ? 2 : 0);
  columns.settle();
  assert.equal(columns.recent(0, 10), 100);
  assert.equal(columns.recent(9, 10), 100);
  assert.equal(columns.recent(14, 10), 50);
  assert.equal(columns.recent(19, 10), 0);
  assert.equal(columns.overall(19), 50);
});

test("a student's program is known by what the server did", () => {
  const model = new Model();
  model.add([fate(1, "answered"), fate(3, "lost_to_server", { gaps: 1, lost_to_server: 1 }), fate(null, "answered")]);
  const client = only(model);
  assert.equal(client.own, false);
  assert.equal(client.tally.gaps, 0);
  assert.deepEqual(model.points().map(({ seq, status }) => [seq, status]), [[1, "answered"], [3, "lost_to_server"], [null, "answered"]]);
});

test("what the server did with our own client's ping is not drawn again, but says where it was lost", () => {
  const model = new Model();
  model.add([fate(1, "lost_to_client"), fate(2, "answered"), { ...outcome(1, "timeout"), peer: "b:2" }, { ...outcome(2, "reply", 1), peer: "b:2" }]);
  assert.equal(model.points().length, 2);
  assert.equal(only(model).why.get(1), "lost_to_client");
});

test("a port that is used again is another client", () => {
  const model = new Model();
  const started = (/** @type {string} */ request) => /** @type {any} */ ({ n: 0, t: 1, kind: "ping_started", peer: "a:1", count: 1, request });
  model.add([started("r1"), outcome(1, "reply", 1), started("r2"), { ...outcome(1, "reply", 2), request: "r2" }]);
  assert.equal(model.clients.size, 2);
  assert.deepEqual(model.points().map(({ rtt_ms: rtt }) => rtt).sort(), [1, 2]);
});

test("memory is bounded and the totals stay whole", () => {
  const model = new Model();
  const sent = LIMIT + 2000;
  for (let seq = 1; seq <= sent; seq += 1) model.add([outcome(seq, seq % 4 ? "reply" : "timeout", seq % 4 ? 2 : null)]);
  assert.ok(model.points().length <= LIMIT + 500);
  assert.deepEqual(only(model).pings.totals(), { sent, lost: sent / 4, percent: 25, average: 2 });
});

test("the time shown begins with the first ping in it", () => {
  const model = new Model();
  model.add([outcome(1, "reply", 1), outcome(1000, "reply", 1), outcome(1100, "reply", 1)]);
  const [first, last] = /** @type {[number, number]} */ (model.span([...model.clients.values()], 60));
  assert.deepEqual([Math.round(first), Math.round(last)], [200, 210]);
  assert.equal(new Model().span([], 60), null);
  assert.equal(firstAtLeast(Float64Array.of(1, 2, 3, 9), 3, 2.5), 2);
  assert.equal(shown(only(model)).length, 3);
});
