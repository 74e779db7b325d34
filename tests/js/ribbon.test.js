import assert from "node:assert/strict";
import { test } from "node:test";
import { fitted, held, itemsOf, newest, NARROW, threadsOf, ticksOf, WIDEST, zoomed } from "../../static/js/ribbon/layout.js";
import { eachMeeting, shared, tally } from "../../static/js/ribbon/meeting.js";
import { CONNECTIONS, KEPT, merged, plain, Streams } from "../../static/js/ribbon/model.js";
import { readsOf, verdictWords } from "../../static/js/ribbon/reasons.js";
import { CALLS, Row } from "../../static/js/ribbon/row.js";
import { PAD, sceneOf } from "../../static/js/ribbon/scene.js";
import { newestCalls } from "../../static/js/ribbon/table.js";
import { factsOf, nameOf, tagOf, tallyWords, textOf, wayWords, whyEmpty } from "../../static/js/ribbon/words.js";

let n = 0;
const OWN = "127.0.0.1:53124";
const SERVER = "127.0.0.1:12000";
/** @param {string} kind @param {object} more @returns {any} */
const event = (kind, more) => ({ n: (n += 1), t: n / 1000, kind, ...more });
const data = (/** @type {string|number} */ given) => (typeof given === "number" ? { head: "", size: given } : { head: btoa(given), size: given.length });
const atServer = { conn: "c1", peer: OWN };
const atClient = { conn: "client-53124", peer: SERVER };
const opened = () => [event("connection_opened", atServer), event("connection_opened", { ...atClient, own: OWN, request: "r1" })];

/** Calls as both ends tell them; as in s> a send of the server, c< a read of the client. @param {...[string, string|number, object?]} calls */
function told(...calls) {
  const offsets = /** @type {Record<string, number>} */ ({});
  return calls.map(([which, what, more = {}]) => {
    const bytes = data(what);
    const offset = offsets[which] ?? 0;
    offsets[which] = offset + bytes.size;
    const way = { "s>": "to_client", "c<": "to_client", "c>": "to_server", "s<": "to_server" }[which];
    return event(which[1] === ">" ? "data_sent" : "data_received", { ...(which[0] === "s" ? atServer : atClient), way, data: bytes, ...(offset ? { offset } : {}), ...more });
  });
}
/** @param {...[string, string|number, object?]} calls */
const streamsOf = (...calls) => {
  const streams = new Streams();
  streams.add([...opened(), ...told(...calls)]);
  return streams;
};
/** @param {...[string, string|number, object?]} calls */
const oneOf = (...calls) => streamsOf(...calls).connections[0];
/** @param {...number} sizes */
const row = (...sizes) => {
  const made = new Row();
  for (const size of sizes) made.add({ offset: 0, size, asked: 0, t: 0, head: "" });
  return made;
};

test("both ends of a connection are one, whichever is told first, by what the client calls itself", () => {
  for (const order of [[0, 1], [1, 0]]) {
    const streams = new Streams();
    const both = opened();
    streams.add(order.map((place) => ({ ...both[place], n: (n += 1) })));
    assert.equal(streams.connections.length, 1);
    const [{ ends, address, request }] = streams.connections;
    assert.deepEqual([ends.server?.conn, ends.client?.conn, address, request], ["c1", "client-53124", OWN, "r1"]);
  }
});

test("a client that does not tell its own address is found by its port; IPv4 in IPv6 is the same address", () => {
  const streams = new Streams();
  streams.add([event("connection_opened", { conn: "c1", peer: "[::ffff:127.0.0.1]:53124" }), event("connection_opened", atClient), event("connection_opened", { conn: "c2", peer: "[::1]:4000" }), event("connection_opened", { conn: "client-4001", peer: "[::1]:12000" })]);
  assert.deepEqual(streams.connections.map(({ ends, address }) => [address, Boolean(ends.server), Boolean(ends.client)]), [[OWN, true, true], ["[::1]:4000", true, false], [":4001", false, true]]);
  assert.equal(plain("unix:"), "");
  assert.equal(plain("unix:@name"), "unix:@name");
});

test("a port that comes again is another connection", () => {
  const streams = new Streams();
  const close = (/** @type {object} */ end) => event("connection_closed", { ...end, t: n / 1000 });
  streams.add([event("connection_opened", atServer), close(atServer)]);
  n += 5000;
  streams.add([event("connection_opened", { ...atClient, own: OWN }), event("connection_opened", { ...atServer, conn: "c2" })]);
  assert.deepEqual(streams.connections.map(({ ends }) => [ends.server?.conn, ends.client?.conn]), [["c1", undefined], ["c2", "client-53124"]]);
});

test("each way has the sender's calls above and the receiver's below", () => {
  const { ways } = oneOf(["c>", "hello"], ["s<", "hello"], ["s>", "HEL"], ["s>", "LO"], ["c<", "HELLO"]);
  const sizes = (/** @type {Row} */ found) => found.calls.map(({ number, offset, size }) => [number, offset, size]);
  assert.deepEqual(Object.values(ways).map(({ upper, lower }) => [sizes(upper), sizes(lower)]), [[[[1, 0, 5]], [[1, 0, 5]]], [[[1, 0, 3], [2, 3, 2]], [[1, 0, 5]]]]);
});

test("what a proxy has of its target is no call of the client's connection", () => {
  const streams = new Streams();
  streams.add([event("connection_opened", atServer), event("data_received", { ...atServer, way: "to_client", data: data("x") })]);
  assert.equal(streams.count, 0);
});

test("an event is taken once, also where marks and events have it both", () => {
  const events = [...opened(), ...told(["s>", "ab"], ["c<", "ab"])];
  const streams = new Streams();
  streams.add(merged(events.slice(2), events.slice(0, 3)));
  streams.add(events);
  assert.equal(streams.count, 2);
});

test("calls that were not told leave a gap, and numbers after it are the least they can be", () => {
  const { ways } = oneOf(["s>", 5], ["s>", 4, { offset: 25 }], ["c<", 5], ["c<", 24, { offset: 5 }]);
  const { upper, lower } = ways.to_client;
  assert.deepEqual(upper.missing(0, 100), [{ from: 5, to: 25, forgotten: false }]);
  assert.deepEqual(upper.calls.map(({ number, sure }) => [number, sure]), [[1, true], [2, false]]);
  assert.equal(upper.whole(0, 5), true);
  assert.equal(upper.whole(0, 6), false);
  assert.equal(tagOf(lower.calls[1], "lower", ways.to_client), "", "who knows how many there were");
});

test("the connection's end tells of bytes whose calls were left out", () => {
  const streams = streamsOf(["s>", 5]);
  streams.add([event("connection_closed", { ...atServer, bytes_in: 3, bytes_out: 12 })]);
  const { to_client: down, to_server: up } = streams.connections[0].ways;
  assert.deepEqual([down.upper.missing(0, 100), up.lower.missing(0, 100)], [[{ from: 5, to: 12, forgotten: false }], [{ from: 0, to: 3, forgotten: false }]]);
});

test("calls without an offset follow each other", () => {
  assert.deepEqual(row(3, 4, 5).calls.map(({ offset }) => offset), [0, 3, 7]);
});

test("what is kept has bounds", () => {
  const long = row(...Array.from({ length: CALLS + 1 }, () => 2));
  assert.equal(long.calls.length, CALLS - 999);
  assert.equal(long.calls[0].number, 1001);
  assert.deepEqual(long.missing(0, 10), [{ from: 0, to: 2000, forgotten: true }]);
  const streams = new Streams();
  streams.add(Array.from({ length: CONNECTIONS + 9 }, (_, place) => event("connection_opened", { conn: `c${place}`, peer: `h:${place + 1}` })));
  assert.equal(streams.connections.length, CONNECTIONS);
  assert.equal(streams.known.size, CONNECTIONS);
  for (let conn = 0; conn < 9; conn += 1) streams.add(Array.from({ length: CALLS - 1 }, () => event("data_sent", { conn: `d${conn}`, peer: `d:${conn}`, way: "to_client", data: data(1) })));
  assert.ok(streams.count <= KEPT);
  const kept = streams.connections.flatMap(({ ways }) => Object.values(ways)).reduce((sum, { upper, lower }) => sum + upper.calls.length + lower.calls.length, 0);
  assert.equal(streams.count, kept);
});

test("sends and reads meet where both have an edge", () => {
  const table = /** @type {[string, number[], number[], string][]} */ ([
    ["each in its own", [3, 4], [3, 4], "1→1 1→1"],
    ["joined", [3, 4], [7], "2→1"],
    ["cut", [7], [3, 4], "1→2"],
    ["neither edge fits", [4, 4], [3, 5], "2→2"],
    ["joined, then cut", [2, 2, 6], [4, 3, 3], "2→1 1→2"],
    ["still to be read", [5, 5], [5, 2], "1→1 1→1 open"],
    ["never read", [5], [], ""],
  ]);
  for (const [name, sends, reads, expected] of table) {
    /** @type {string[]} */
    const found = [];
    eachMeeting(row(...sends), row(...reads), (meeting) => found.push(`${meeting.sends[1] - meeting.sends[0]}→${meeting.reads[1] - meeting.reads[0]}${meeting.open ? " open" : ""}`));
    assert.equal(found.join(" "), expected, name);
  }
  assert.deepEqual(tally(row(3, 4, 2, 2, 2, 2, 6), row(7, 4, 4, 3, 3)), { even: 0, uneven: [{ sends: 2, reads: 1, times: 3 }, { sends: 1, reads: 2, times: 1 }] });
});

test("a gap belongs to no meeting that is counted", () => {
  const { upper, lower } = oneOf(["s>", 5], ["s>", 5, { offset: 20 }], ["c<", 5], ["c<", 15], ["c<", 5]).ways.to_client;
  assert.deepEqual(tally(upper, lower), { even: 2, uneven: [] });
});

test("a block stands at its bytes, in both rows at the same pixels", () => {
  const { ways } = oneOf(["s>", 10], ["s>", 20], ["c<", 30]);
  const scene = sceneOf(ways.to_client, { from: 0, scale: 5, width: 300 });
  assert.deepEqual(scene.upper.map(({ x, width }) => [x, width]), [[PAD, 50], [PAD + 50, 100]]);
  assert.deepEqual(scene.lower.map(({ x, width, shared: met, seams }) => [x, width, met, seams]), [[PAD, 150, 2, [PAD + 50]]]);
  assert.deepEqual(scene.threads.map(({ x, width }) => [x, width]), [[PAD, 50], [PAD + 50, 100]]);
});

test("narrow calls are counted in bands, a wide one between them keeps its block, and none is lost", () => {
  const sizes = Array.from({ length: 3000 }, (_, place) => (place === 1500 ? 4000 : 1 + (place % 3)));
  const made = row(...sizes);
  const view = { from: 0, scale: 900 / made.end, width: 900 };
  const items = itemsOf(made, view);
  assert.equal(items.reduce((sum, { count }) => sum + count, 0), 3000);
  assert.deepEqual(items.filter(({ bins }) => !bins.length).map(({ place }) => place), [1500]);
  assert.ok(items.flatMap(({ bins }) => bins).length < 900);
  assert.ok(items.every((item, place) => place === 0 || item.from === items[place - 1].to));
  assert.ok(4000 * view.scale > NARROW);
});

test("only what is in view is laid out", () => {
  const made = row(...Array.from({ length: 5000 }, () => 10));
  assert.deepEqual(itemsOf(made, { from: 20_005, scale: 4, width: 100 }).map(({ place }) => place), [2000, 2001, 2002]);
  assert.deepEqual(itemsOf(made, { from: 60_000, scale: 4, width: 100 }), []);
});

test("threads are what two rows have in common", () => {
  const item = (/** @type {number} */ from, /** @type {number} */ to) => ({ from, to, place: 0, count: 1, bins: [] });
  assert.deepEqual(threadsOf([item(0, 4), item(4, 8), item(20, 22)], [item(0, 3), item(3, 8)]).map(({ from, to, above, below }) => [from, to, above, below]), [[0, 3, 0, 0], [3, 4, 0, 1], [4, 8, 1, 1]]);
});

test("the view stays on the stream, and a zoom keeps the byte under the pointer", () => {
  assert.deepEqual(fitted(10, 900), { from: 0, scale: WIDEST, width: 900 });
  assert.deepEqual(newest(1000, 9, 900), { from: 900, scale: 9, width: 900 });
  assert.deepEqual(held({ from: -5, scale: 9, width: 900 }, 1000), { from: 0, scale: 9, width: 900 });
  assert.deepEqual(held({ from: 5000, scale: 0.1, width: 900 }, 1000), { from: 0, scale: 0.9, width: 900 });
  const view = { from: 300, scale: 2, width: 900 };
  const nearer = zoomed(view, 3, 400, 10_000);
  assert.equal(nearer.scale, 6);
  assert.ok(Math.abs(nearer.from + 400 / nearer.scale - (view.from + 400 / view.scale)) < 1e-9);
  assert.deepEqual(ticksOf({ from: 0, scale: 10, width: 300 }, 60), [0, 10, 20, 30]);
  assert.ok(ticksOf({ from: 0, scale: 44, width: 300 }, 60).every(Number.isInteger));
});

test("the words of a call: who, how much, of how much, and its counterparts", () => {
  const connection = oneOf(["s>", "HELLO, "], ["s>", "WORLD\n"], ["c<", "HELLO, WORLD\n", { asked: 64 }]);
  const { upper, lower } = connection.ways.to_client;
  const { title, asked, facts } = factsOf({ call: lower.calls[0], level: "lower", way: "to_client" }, connection);
  assert.equal(title, "Client’s recv() #1: 13 bytes");
  assert.equal(asked, "recv(64) could have taken 64");
  assert.ok(facts.includes("took send() #1, #2: joined 2"), facts.join("|"));
  assert.equal(tagOf(upper.calls[0], "upper", connection.ways.to_client), "");
  assert.equal(shared(upper.calls[0], lower), 1);
  assert.equal(textOf(new TextEncoder().encode("a\r\n\x07é"), 9), "a⟨CR⟩⟨LF⟩⟨x07⟩⟨xc3⟩⟨xa9⟩…");
  assert.equal(wayWords(connection, "to_client"), "2 sends, 1 read, 13 bytes · 2 sends became 1 read");
  assert.match(nameOf(connection, "Ana"), /^127\.0\.0\.1:53124 · Ana · \d\d:\d\d:\d\d · 2 sends, 1 read$/);
  assert.equal(nameOf(connection, "Ana", false), `${OWN} · Ana · 2 sends, 1 read`);
  assert.equal(tallyWords({ even: 7, uneven: [{ sends: 1, reads: 3, times: 2 }] }), "2 times 1 send became 3 reads · 7 sends as they were");
  assert.equal(newestCalls(connection, 2).length, 2);
});

test("an empty row says why: a program of its own, nothing sent, nothing read", () => {
  const streams = new Streams();
  streams.add([event("connection_opened", atServer), ...told(["s>", "HI"])]);
  const [connection] = streams.connections;
  assert.equal(whyEmpty(connection, "to_client", "upper", 1e9), "");
  assert.match(whyEmpty(connection, "to_client", "lower", 1e9), /127\.0\.0\.1:53124 is a program of its own, not our client/);
  assert.equal(whyEmpty(connection, "to_client", "lower", connection.first ?? 0), "", "our client may still tell");
  assert.match(wayWords(connection, "to_client"), /1 send, reads not known/);
  const ours = oneOf(["c>", "hi"], ["s<", "hi"]);
  assert.match(whyEmpty(ours, "to_client", "upper", 1e9), /Nothing was sent this way yet/);
});

test("a prediction is judged by the calls that were made, with the reason", () => {
  const table = /** @type {[string, number, [string, string|number, object?][], RegExp][]} */ ([
    ["joined", 3, [["s>", 12], ["s>", 30], ["c<", 42, { asked: 64 }]], /^You said 3\. It took 1: the first read took both sends \(12 \+ 30 bytes\) at once, because both were there when it read: they left 1\.00 ms apart\.$/],
    ["cut", 1, [["s>", 20], ["c<", 8, { asked: 8 }], ["c<", 8, { asked: 8 }], ["c<", 4, { asked: 8 }]], /^You said 1\. It took 3: the first send \(20 bytes\) needed 3 reads, because recv\(8\) takes 8 bytes at most\.$/],
    ["came in parts", 1, [["s>", 20], ["c<", 5, { asked: 64 }], ["c<", 15, { asked: 64 }]], /because only a part of it had come when the client read\.$/],
    ["across", 2, [["s>", 5], ["s>", 7], ["c<", 8, { asked: 8 }], ["c<", 4, { asked: 8 }]], /^You said 2, and it took 2: 2 sends \(5 \+ 7 bytes\) became 2 reads, because recv\(8\) stops when it is full, also in the middle of a send\.$/],
    ["even", 2, [["s>", 5], ["c<", 5, { asked: 8 }], ["s>", 5], ["c<", 5, { asked: 8 }]], /each had been read before the next one left\. Nothing in TCP promises that\.$/],
    ["several", 2, [["s>", 5], ["s>", 5], ["c<", 10], ["s>", 5], ["s>", 5], ["c<", 10]], /In all: 2 times 2 sends became 1 read\.$/],
  ]);
  for (const [name, said, calls, words] of table) {
    const connections = [oneOf(...calls)];
    assert.match(verdictWords(said, readsOf(connections, null), connections), words, name);
  }
});

test("where calls were left out, the client's own count decides, and without one nothing does", () => {
  const connections = [oneOf(["s>", 40], ["c<", 4], ["c<", 4, { offset: 30 }])];
  assert.equal(readsOf(connections, { recv_calls: 9 }), 9);
  assert.equal(readsOf(connections, {}), null);
  assert.equal(readsOf([], null), null);
  assert.match(verdictWords(3, null, connections), /cannot be counted/);
});
