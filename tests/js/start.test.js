import assert from "node:assert/strict";
import { test } from "node:test";
import { portFor } from "../../static/js/overview.js";

const up = (/** @type {string} */ address, state = "running") => ({ address, state });

test("the first server of a lab gets the lab's port", () => {
  assert.equal(portFor(12000, []), 12000);
  assert.equal(portFor(12000, [up("127.0.0.1:12001"), up("", "stopped")]), 12000);
});

test("one more gets the next that no running server has", () => {
  assert.equal(portFor(12000, [up("127.0.0.1:12000")]), 12001);
  assert.equal(portFor(12000, [up("[::1]:12000"), up("0.0.0.0:12001")]), 12002);
  assert.equal(portFor(0, [up("127.0.0.1:12000")]), 0);
});
