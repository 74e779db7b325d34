import assert from "node:assert/strict";
import { test } from "node:test";

import { parseFilter, passes } from "../../static/js/filter.js";

const event = { n: 12, t: 1, kind: "datagram_dropped", peer: "127.0.0.1:5000", way: "to_server", request: "r7", text: "lost on the way: Ping 3" };
const holds = (/** @type {string} */ text, person = "") => passes(parseFilter(text), event, person);

for (const [text, expected] of /** @type {[string, boolean][]} */ ([
  ["", true], ["ping", true], ["pong", false], ["-pong", true], ["-ping", false],
  ["kind:dropped", true], ["kind:sent,dropped", true], ["kind:sent", false], ["-kind:sent", true],
  ["peer:127", true], ["peer:10.0", false], ["way:server", true], ["way:client", false],
  ["request:r7", true], ["request:r", false], ["n:12", true], ["n:1", false], ["n:10-20", true], ["n:13-", false], ["n:-12", true], ["n:x", false],
  ['"on the way"', true], ['"the on way"', false], ["kind:dropped ping", true], ["kind:dropped pong", false], ["http:x", false], ["KIND:DROPPED", true],
])) {
  test(`«${text}» ${expected ? "shows" : "hides"} the event`, () => assert.equal(holds(text), expected));
}

test("a person's name finds their peer", () => {
  assert.equal(holds("peer:ana", "Ana"), true);
  assert.equal(holds("ana", "Ana"), true);
  assert.equal(holds("peer:ben", "Ana"), false);
});

test("a key without a value yet hides nothing", () => assert.equal(holds("peer:"), true));
