import assert from "node:assert/strict";
import { test } from "node:test";

import { commandLine, filled, whyNot } from "../../static/js/command.js";
import { inForce, toText, toValue } from "../../static/js/fields.js";
import { clock, count, duration, host, milliseconds, number, percent, quantity, since, took } from "../../static/js/format.js";
import { decode, extent, hexRows } from "../../static/js/hex.js";
import { named, shown } from "../../static/js/resulttable.js";

const field = (/** @type {any} */ more) => ({ name: "count", type: "int", default: 10, flags: ["-c"], optional: false, ...more });

test("numbers carry thin spaces from five digits on, and a true minus", () => {
  assert.equal(count(9999), "9999");
  assert.equal(count(1234567), "1\u202f234\u202f567");
  assert.equal(number(-1.25, 1), "\u22121.3");
  assert.equal(percent(36.36), "36.4 %");
  assert.equal(percent(NaN), "–");
});

test("round trips have three meaningful digits", () => {
  assert.deepEqual([0.1234, 1.234, 12.34, 123.4, null].map(milliseconds), ["0.123 ms", "1.23 ms", "12.3 ms", "123 ms", "–"]);
});

test("durations, clocks and times since the start", () => {
  assert.deepEqual([5.9, 200, 7500].map(duration), ["5 s", "3 min 20 s", "2 h 05 min"]);
  assert.deepEqual([0, 0.0119, 0.9991, 0.9999, 1.7, 61].map(took), ["1 ms", "12 ms", "999 ms", "1 s", "1 s", "1 min 01 s"]);
  assert.match(clock(1.0625), /^\d\d:\d\d:01\.063$/);
  assert.deepEqual([since(1.5), since(-0.25)], ["+1.500", "\u22120.250"]);
});

test("bytes grow into KiB; other counters keep their unit", () => {
  assert.deepEqual(quantity(1, "bytes"), ["1", "byte"]);
  assert.deepEqual(quantity(20480, "bytes"), ["20.0", "KiB"]);
  assert.deepEqual(quantity(20480, ""), ["20\u202f480", ""]);
});

test("the machine of an address, IPv6 too", () => {
  assert.deepEqual(["127.0.0.1:1", "[::1]:2", "x"].map(host), ["127.0.0.1", "::1", "x"]);
});

test("hex rows are aligned, what cannot be printed is a point", () => {
  const rows = hexRows(decode(btoa("Ping 1 12.5\r\n\x00\xffABC")));
  assert.equal(rows.length, 2);
  assert.equal(rows[0].text, "Ping 1 12.5····A");
  assert.equal(rows[0].hex.length, rows[1].hex.length);
  assert.equal(rows[1].offset, "0010");
  assert.equal(extent(512, 1400), "cut: 512 of 1400 bytes");
  assert.equal(extent(1, 1), "1 byte");
});

test("the command line has only what differs from the default", () => {
  const fields = /** @type {any} */ ([field({}), field({ name: "wait_time", default: 1, flags: [] }), field({ name: "loud", type: "flag", default: true, flags: [] }), field({ name: "text", default: "", flags: [] })]);
  assert.equal(commandLine("client", fields, { count: 10, wait_time: 1, loud: true, text: "" }), "client");
  assert.equal(commandLine("client", fields, { count: 3, wait_time: 2, loud: false, text: "it's" }), "client -c 3 --wait-time 2 --no-loud --text 'it'\\''s'");
});

test("the button names what it does", () => {
  assert.equal(filled("Send {count} pings", { count: 10 }), "Send 10 pings");
  assert.equal(filled("Send {count} pings", { count: 1 }), "Send 1 ping");
  for (const [by_hand, words] of [[false, "Play: a reader"], [true, "Play by hand: a reader"]]) assert.equal(filled("Play{by_hand: by hand}: {reader} reader", { by_hand, reader: "a" }), words);
  assert.equal(whyNot("running", false), "");
  assert.match(whyNot("stopped", true), /Start it first/);
  assert.match(whyNot("failed", false), /teacher/);
});

test("what a field's text means", () => {
  assert.equal(toValue(field({}), "12"), 12);
  assert.equal(toValue(field({}), "1,5"), 1.5);
  assert.equal(toValue(field({}), ""), null);
  assert.equal(toValue(field({}), "many"), "many");
  assert.equal(toValue(field({ type: "flag" }), "on", true), true);
  assert.equal(toValue(field({ type: "text", optional: true }), ""), null);
  assert.equal(toText(0.1 + 0.2), "0.3");
});

test("a preset is in force when all it sets is", () => {
  assert.equal(inForce({ loss: 0.3 }, { loss: 0.1 + 0.2, delay: 4 }), true);
  assert.equal(inForce({ loss: 0.3 }, { loss: 0.31 }), false);
});

test("results are named and shown with their units", () => {
  assert.deepEqual(named("loss_percent"), ["Loss", "%"]);
  assert.deepEqual(named("rtt_min_ms"), ["Round trip, min", "ms"]);
  assert.deepEqual(["–", "yes", "0.123", "12"], [shown(null, ""), shown(true, ""), shown(0.1234, "ms"), shown(12, "")]);
});
