import assert from "node:assert/strict";
import { test } from "node:test";
import { columns, elapsed, figures, ordinal, progressOf, Races, why } from "../../static/js/labs/http_web/racemodel.js";

const start = (request, more = {}) => ({ kind: "race_started", n: 1, t: 0, request, models: ["iterative", "select"], clients: 4, requests: 2, delay: 0.2, workers: 4, limit: 20, ...more });
const tick = (request, model, seconds, more = {}) => ({ kind: "race_tick", n: 2, t: seconds, request, model, seconds, waiting: 4, in_line: 3, done: 1, ...more });

function race() {
  const races = new Races();
  races.add([start("r1"), tick("r1", "iterative", 0.2), tick("r1", "select", 0.2, { in_line: 0 })]);
  races.add([tick("r1", "iterative", 0.4, { done: 2 }), tick("r1", "select", 0.33, { waiting: 0, in_line: 0, done: 8, finished: true })]);
  return races;
}

test("a race is put together from its events, whatever frames they come in", () => {
  const run = race().pick("r1");
  assert.deepEqual(run.lanes.map((lane) => lane.ticks.length), [2, 2]);
  assert.equal(elapsed(run), 0.4);
  assert.deepEqual(progressOf(run), { done: 10, total: 16 });
});

test("fields left out on the wire have their defaults", () => {
  const [{ ticks: [first] }] = race().pick("r1").lanes;
  assert.deepEqual([first.failed, first.rate, first.p50_ms, first.finished], [0, 0, null, false]);
});

test("who has finished has nobody in line from then on; before the first look nothing is known", () => {
  assert.deepEqual(columns(race().pick("r1")), [[0.2, 0.33, 0.4], [3, 3, 3], [0, 0, 0]]);
  const races = new Races();
  races.add([start("r1"), tick("r1", "iterative", 0.2), tick("r1", "select", 0.4)]);
  assert.deepEqual(columns(races.pick("")), [[0.2, 0.4], [3, 3], [null, 3]]);
});

test("figures: one served, three in line; and those who have all their answers", () => {
  const run = race().pick("r1");
  assert.deepEqual(figures(run, run.lanes[0]), { served: 1, line: 3, done: 0, ahead: 0 });
  assert.deepEqual(figures(run, run.lanes[1]), { served: 0, line: 0, done: 4, ahead: 0 });
  assert.deepEqual(figures(run, { model: "select", ticks: [] }), { served: 0, line: 0, done: 0, ahead: 4 });
});

test("the newest race is shown unless another is asked for, and two do not mix", () => {
  const races = race();
  assert.equal(races.add([tick("r1", "iterative", 0.6)]), false);
  assert.equal(races.add([start("r2"), tick("r2", "iterative", 0.2)]), true);
  assert.equal(races.pick("").request, "r2");
  assert.equal(races.pick("r1").lanes[0].ticks.length, 3);
  assert.equal(races.pick("r2").lanes[0].ticks.length, 1);
  races.add([{ kind: "race_finished", n: 9, t: 9, request: "r1", reason: "stopped", verdict: "Nobody won." }]);
  assert.deepEqual([races.pick("r1").over, races.pick("r1").verdict, races.pick("r2").over], [true, "Nobody won.", false]);
});

test("the oldest of many races is forgotten", () => {
  const races = new Races();
  for (let number = 1; number <= 25; number += 1) races.add([start(`r${number}`)]);
  assert.equal(races.runs.size, 20);
  assert.equal(races.runs.has("r5"), false);
  assert.equal(races.pick("").request, "r25");
});

test("ordinals", () => {
  assert.deepEqual([1, 2, 3, 4, 11, 12, 13, 21, 102, 111, 200].map(ordinal), ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th", "200th"]);
});

test("why: with the numbers of this race, and what slow clients do to each model", () => {
  const run = race().pick("r1");
  assert.match(why("iterative", { ...run, clients: 12 }), /the 12th client waits for the 11 before it/);
  assert.match(why("processes", run), /4 clients are served, the 5th waits/);
  assert.match(why("iterative", { ...run, slow: 1 }), /waits for a slow client, and everybody waits/);
  assert.match(why("processes", { ...run, slow: 4 }), /none is left/);
  assert.match(why("processes", { ...run, slow: 3 }), /slow clients take 3, and 1 go on/);
  assert.match(why("threads", { ...run, slow: 500 }), /holds up nobody/);
  assert.match(why("select", { ...run, slow: 500 }), /holds up nobody/);
  assert.throws(() => why("magic", run), /magic/);
});
