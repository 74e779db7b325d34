import assert from "node:assert/strict";
import { test } from "node:test";
import { recall, remember } from "../../static/js/recall.js";

/** @param {Record<string, any>} storage */
function withStorage(storage) {
  Object.defineProperty(globalThis, "sessionStorage", { value: storage, configurable: true });
  return storage;
}

test("what was kept comes back, and what is not ours, too long or forbidden does no harm", () => {
  /** @type {Map<string, string>} */
  const kept = new Map();
  withStorage({ getItem: (/** @type {string} */ key) => kept.get(key) ?? null, setItem: (/** @type {string} */ key, /** @type {string} */ value) => kept.set(key, value) });
  assert.equal(recall("mode", "all"), "all");
  remember("mode", "predict");
  assert.equal(recall("mode", "all"), "predict");
  kept.set([...kept.keys()][0], "{no JSON");
  assert.equal(recall("mode", "all"), "all");
  const refuse = () => { throw new Error("QuotaExceededError"); };
  withStorage({ getItem: refuse, setItem: refuse });
  remember("mode", "walk");
  assert.equal(recall("mode", "all"), "all");
});
