import assert from "node:assert/strict";
import { test } from "node:test";
import { createAnswers, oneAtATime } from "../../static/js/walk/once.js";

test("an answer is asked for once, a failed one again, the oldest are forgotten", async () => {
  /** @type {number[]} */
  const asked = [];
  let fails = true;
  const answers = createAnswers(2, async (key) => {
    asked.push(key);
    if (key === 9 && fails) throw new Error("no");
    return 10 * key;
  });
  assert.deepEqual(await Promise.all([answers.get(1), answers.get(1), answers.get(2)]), [10, 10, 20]);
  await assert.rejects(answers.get(9));
  fails = false;
  assert.equal(await answers.get(9), 90);
  await answers.get(1);
  assert.deepEqual(asked, [1, 2, 9, 9, 1]);
  answers.clear();
  await answers.get(9);
  assert.deepEqual(asked.slice(5), [9]);
});

test("work goes on once at a time, and once more for all who asked meanwhile", async () => {
  /** @type {(() => void)[]} */
  const ends = [];
  const work = oneAtATime(() => new Promise((done) => ends.push(() => done())));
  const whole = work();
  await work();
  await work();
  assert.equal(ends.length, 1);
  ends[0]();
  await new Promise(setImmediate);
  assert.equal(ends.length, 2);
  ends[1]();
  await whole;
  assert.equal(ends.length, 2);
});

test("what fails does not hold up the next", async () => {
  let runs = 0;
  const work = oneAtATime(async () => {
    runs += 1;
    throw new Error("no");
  });
  await assert.rejects(work());
  await assert.rejects(work());
  assert.equal(runs, 2);
});
