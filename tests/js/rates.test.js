import assert from "node:assert/strict";
import { test } from "node:test";

import { overall } from "../../static/js/rail.js";
import { rateColumns } from "../../static/js/ratecolumns.js";
import { sparkPath } from "../../static/js/spark.js";

test("counters become rates per second", () => {
  assert.deepEqual(rateColumns([[10, { a: 0 }], [11, { a: 5 }], [13, { a: 9 }]], ["a"]), [[11, 13], [5, 2]]);
});

test("a counter that starts over counts from zero", () => {
  assert.deepEqual(rateColumns([[10, { a: 100 }], [11, { a: 3 }]], ["a"]), [[11], [3]]);
});

test("a sparkline stands at the right", () => {
  assert.match(sparkPath([0, 4]), /^M235\.9 34\.0L240\.0 2\.0$/);
});

test("trouble speaks for a lab's servers first", () => {
  const states = (/** @type {string[]} */ ...list) => overall(/** @type {any} */ (list.map((state) => ({ state }))));
  assert.equal(states("running", "failed", "stopped"), "failed");
  assert.equal(states("stopped", "running"), "running");
  assert.equal(states(), "none");
});
