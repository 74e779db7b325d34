import assert from "node:assert/strict";
import { test } from "node:test";

import { Datagrams, fate } from "../../static/js/labs/udp_upper/model.js";

const data = (text, kept = text.length) => ({ head: btoa(text.slice(0, kept)), size: kept });
const sent = (peer, way, text, more = {}) => ({ n: 1, t: 1, kind: "datagram_sent", peer, way, data: data(text), ...more });
const came = (peer, way, text, kept = text.length, more = {}) => ({ n: 1, t: 1, kind: "datagram_received", peer, way, data: data(text, kept), asked: 8, lost: text.length - kept, ...more });

function fates(...events) {
  const model = new Datagrams();
  model.add(events);
  return model.newest(100).map(fate);
}

test("what both ends tell of a datagram is one arrow, whoever tells first", () => {
  const ends = [sent("c", "to_server", "hello"), came("c", "to_server", "hello")];
  for (const order of [ends, ends.slice().reverse()]) {
    assert.deepEqual(fates(...order).map(({ size, cut, state }) => [size, cut, state]), [[5, 0, "whole"]]);
  }
});

test("what had no room is cut, with or without the sender's word", () => {
  const [both] = fates(sent("c", "to_server", "hello, world"), came("c", "to_server", "hello, world", 8));
  assert.deepEqual([both.size, both.kept, both.cut, both.state], [12, 8, 4, "cut"]);
  assert.equal(both.words, "recvfrom(8) took 8, 4 lost");
  assert.equal(fates(came("s", "to_server", "hello, world", 8))[0].size, 12);
});

test("where the system does not tell how much was cut, the sender does", () => {
  const [found] = fates(sent("c", "to_server", "hello, world"), came("c", "to_server", "hello, world", 8, { lost: 1 }));
  assert.deepEqual([found.size, found.cut], [12, 4]);
});

test("a datagram that nobody received stays open, and later ones pass it by", () => {
  const found = fates(sent("c", "to_server", "1 hi"), sent("c", "to_server", "2 hi"), came("c", "to_server", "2 hi"));
  assert.deepEqual(found.map(({ state }) => state), ["open", "whole"]);
});

test("of a program that is not ours only the server's end is known", () => {
  const found = fates(came("s", "to_server", "hi"), sent("s", "to_client", "HI"));
  assert.deepEqual(found.map(({ state }) => state), ["whole", "unknown"]);
  const own = fates(sent("c", "to_server", "hi"), came("c", "to_server", "hi"), sent("c", "to_client", "HI"));
  assert.equal(own[1].state, "open");
});

test("clients are kept apart, and so are the two ways", () => {
  assert.equal(fates(sent("c", "to_server", "hi"), came("d", "to_server", "hi"), came("c", "to_client", "hi")).length, 3);
});

test("an empty datagram is a datagram", () => {
  assert.deepEqual(fates(sent("c", "to_server", ""), came("c", "to_server", "")).map(({ size, state }) => [size, state]), [[0, "whole"]]);
});

test("rows are bounded, and what overflowed is one of them", () => {
  const model = new Datagrams();
  model.add(Array.from({ length: 1000 }, (_, place) => came("c", "to_server", `${place}`)));
  model.add([{ n: 1, t: 2, kind: "datagrams_overflowed", lost: 3, whole: 5 }]);
  assert.equal(model.newest(1000).length, 300);
  assert.deepEqual(model.newest(1), [{ kind: "overflow", t: 2, lost: 3, whole: 5 }]);
});

test("a request's progress is what its client sent", () => {
  const model = new Datagrams();
  model.add([sent("c", "to_server", "1 hi", { request: "r" }), sent("c", "to_server", "2 hi", { request: "r" })]);
  assert.equal(model.sent("r"), 2);
});
