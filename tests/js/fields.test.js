import assert from "node:assert/strict";
import { test } from "node:test";
import { toValue } from "../../static/js/fields.js";

/** @type {any} */
const delay = { name: "delay", type: "float", optional: false };

test("a decimal comma is a decimal point", () => {
  assert.equal(toValue(delay, "0,5"), 0.5);
  assert.equal(toValue(delay, " 0.5 "), 0.5);
});

test("what is no number goes as it is, to be refused with words", () => {
  assert.equal(toValue(delay, "half"), "half");
  assert.equal(toValue(delay, "1.000,5"), "1.000,5");
  assert.equal(toValue(delay, "Infinity"), "Infinity");
  assert.equal(toValue(delay, "1e400"), "1e400");
  assert.equal(toValue(delay, ""), null);
});
