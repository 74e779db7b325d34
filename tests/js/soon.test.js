import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { createSoon } from "../../static/js/soon.js";

test("asked for often it is done once, at the soonest time", () => {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  let done = 0;
  const soon = createSoon(() => done++);
  soon(5000);
  soon(120); // somebody types: no need to wait for what was asked for in the background
  soon(400);
  mock.timers.tick(119);
  assert.equal(done, 0);
  mock.timers.tick(1);
  assert.equal(done, 1);
  mock.timers.tick(10_000);
  assert.equal(done, 1);
  soon(10);
  mock.timers.tick(10);
  assert.equal(done, 2);
  mock.timers.reset();
});
