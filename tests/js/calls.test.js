import assert from "node:assert/strict";
import { test } from "node:test";

import { dataPath, whyNotNow } from "../../static/js/calls.js";
import { noPast, recall, remember } from "../../static/js/past.js";
import { shapeOf } from "../../static/js/value.js";

test("any value has a shape to be shown in", () => {
  for (const nothing of [null, undefined, "", [], {}]) assert.equal(shapeOf(nothing), "nothing");
  for (const plain of [0, false, "words"]) assert.equal(shapeOf(plain), "plain");
  assert.equal(shapeOf([{ a: 1 }, { b: 2 }]), "table");
  assert.equal(shapeOf([{ a: 1 }, null]), "list");
  assert.equal(shapeOf(["a", 1]), "list");
  assert.equal(shapeOf({ a: [1] }), "fields");
});

test("a query's question leaves out what is empty", () => {
  assert.equal(dataPath("said", {}), "/data/said");
  assert.equal(dataPath("said", { who: "A & B", last: 0, seed: null, all: false, text: "" }), "/data/said?who=A+%26+B&last=0&all=false");
});

test("an action on files alone works while the server is stopped", () => {
  const action = { name: "a", title: "A", role: "teacher", help: "", arguments: [] };
  assert.equal(whyNotNow(action, "running", true), "");
  assert.match(whyNotNow(action, "stopped", true), /Start it first/);
  assert.equal(whyNotNow({ ...action, offline: true }, "stopped", true), "");
  assert.notEqual(whyNotNow({ ...action, offline: true }, "stopping", true), "");
});

test("the arrows bring earlier lines back, and then the one being written", () => {
  let past = ["one", "two", "two", ""].reduce(remember, noPast());
  assert.deepEqual(past.lines, ["one", "two"]);
  /** @type {string[]} */
  const seen = [];
  let line = "dra";
  for (const step of /** @type {(1|-1)[]} */ ([-1, -1, -1, 1, 1, 1])) {
    ({ past, line } = recall(past, step, line));
    seen.push(line);
  }
  assert.deepEqual(seen, ["two", "one", "one", "two", "dra", "dra"]);
});
