import assert from "node:assert/strict";
import { test } from "node:test";
import { plural } from "../../static/js/format.js";
import { letter, pair } from "../../static/js/hex.js";
import { firstWhere } from "../../static/js/search.js";

test("the first entry from which on the test is true is found, in a part of a list, too", () => {
  const list = [1, 2, 2, 5, 9];
  for (const wanted of [0, 1, 2, 3, 9, 10]) {
    const place = list.findIndex((each) => each >= wanted);
    assert.equal(firstWhere(list, (each) => each >= wanted), place < 0 ? 5 : place);
  }
  assert.equal(firstWhere(Float64Array.of(1, 2, 0, 0), (each) => each >= 3, 2), 2);
  assert.equal(firstWhere([], () => true), 0);
});

test("a byte has two digits, and is a letter or a point", () => {
  assert.deepEqual([0, 10, 32, 126, 127, 255].map(pair), ["00", "0a", "20", "7e", "7f", "ff"]);
  assert.equal([0, 31, 32, 65, 126, 127, 200].map(letter).join(""), "·· A~··");
});

test("nouns have their plural", () => {
  assert.deepEqual([plural(1, "guess", "guesses"), plural(2, "guess", "guesses"), plural(0, "ping")], ["1 guess", "2 guesses", "0 pings"]);
});
