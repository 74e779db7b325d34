import assert from "node:assert/strict";
import { test } from "node:test";
import { escaped, firstDifference, firstLine, fromHex, pieces, placeInNear, windowOf } from "../../static/js/labs/tcp_replay/bytes.js";
import { wholeOf } from "../../static/js/labs/tcp_replay/exchange.js";
import { LIMIT, Model } from "../../static/js/labs/tcp_replay/model.js";
import { lookOf, NAMES } from "../../static/js/labs/tcp_replay/outcomes.js";
import { radii } from "../../static/js/labs/tcp_replay/reel.js";
import { recordSettings, sourcesOf, stepOf, targetOf } from "../../static/js/labs/tcp_replay/sources.js";
import { momentsOf } from "../../static/js/labs/tcp_replay/timeline.js";
import { PIECE, piecesOf, toBase64 } from "../../static/js/labs/tcp_replay/upload.js";
import { cutWords, faultsOf, fullness, MODES, modeWords, partsOf, tapeName, wayOf } from "../../static/js/labs/tcp_replay/words.js";

const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);
const told = (/** @type {string} */ text) => ({ head: btoa(text), size: text.length });
const shown = (/** @type {Uint8Array} */ data, /** @type {object} */ options = {}) => pieces(data, options).map(({ kind, text, hit }) => (kind === "text" ? text : kind === "mark" ? `<${text}>` : kind === "cut" ? "|" : "/") + (hit ? "!" : "")).join("");

let n = 0;
/** @param {string} outcome @param {object} [more] @returns {any} */
const exchange = (outcome, more = {}) => ({ n: (n += 1), t: n, kind: "exchanged", conn: "c1", peer: "p:1", number: 1, outcome, sent: told("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"), received: told("HTTP/1.1 200 OK\r\n\r\nhi"), ...more });
/** @param {any[]} events */
const modelOf = (events) => {
  const model = new Model();
  model.add(events);
  return model;
};

test("fields that are left out on the wire have their defaults", () => {
  const [entry] = modelOf([{ n: 1, t: 2, kind: "exchanged", conn: "c1", peer: "p:1", number: 1, outcome: "miss", sent: told("a"), received: told("") }]).exchanges;
  assert.deepEqual({ ...entry }, {
    n: 1, t: 2, conn: "c1", peer: "p:1", request: "", number: 1, outcome: "miss", greeting: false, sent: told("a"), received: told(""), chunks: 0,
    ms: 0, tape: 0, turn: "", near: 0, differsAt: null, reason: "", first: "a", answer: "",
  });
});

test("what is recorded and what changes the tape touches it, other events do not", () => {
  const model = new Model();
  const events = [exchange("recorded"), { kind: "tape_changed", path: "x" }, exchange("hit"), exchange("miss"), { kind: "connection_opened", conn: "c1" }];
  assert.deepEqual(events.map((event) => model.add([/** @type {any} */ (event)])), [true, true, false, false, false]);
  assert.equal(model.turns, 2); // the reels move when something is written or played
  model.add([/** @type {any} */ ({ kind: "toxic_hit", t: 5, way: "to_server", fault: "timeout" })]);
  assert.deepEqual(model.struck, { t: 5, fault: "timeout", way: "to_server" });
});

test("what is kept has bounds", () => {
  const model = modelOf(Array.from({ length: LIMIT + 3 }, () => exchange("hit")));
  assert.equal(model.exchanges.length, LIMIT);
  assert.equal(model.newest({ outcome: "", text: "", conn: "" }, 10).total, LIMIT);
});

test("exchanges are filtered by outcome, text and connection, the newest first", () => {
  const model = modelOf([
    exchange("recorded", { ms: 1 }), exchange("hit", { ms: 2, received: told("HTTP/1.1 404 Not Found\r\n") }),
    exchange("miss", { ms: 3, conn: "c2", sent: told("EHLO me\r\n"), received: told(""), reason: "nothing like it" }),
  ]);
  const found = (/** @type {object} */ filter) => model.newest({ outcome: "", text: "", conn: "", ...filter }, 10).shown.map((entry) => entry.ms);
  assert.deepEqual(found({}), [3, 2, 1]);
  assert.deepEqual(found({ outcome: "hit" }), [2]);
  assert.deepEqual(found({ text: "get 404" }), [2]);
  assert.deepEqual(found({ text: "LIKE" }), [3]);
  assert.deepEqual(found({ conn: "c2 p:1" }), [3]);
  assert.deepEqual(model.newest({ outcome: "", text: "", conn: "" }, 1), { shown: model.exchanges.slice(-1), total: 3 });
  assert.deepEqual(model.connections(9).map(({ key, count }) => [key, count]), [["c2 p:1", 1], ["c1 p:1", 2]]);
});

test("every outcome has its own mark or filling, and a word; an unknown one is shown as it is", () => {
  const looks = NAMES.map((name) => `${lookOf(name).mark} ${lookOf(name).filled}`);
  assert.equal(new Set(looks).size, NAMES.length);
  assert.equal(lookOf("odd").word, "odd");
});

test("line ends and what is no letter get a mark, and lines end where they do", () => {
  const table = /** @type {[string, string][]} */ ([
    ["", ""], ["a\r\nb", "a<CR><LF>/b"], ["a\rb", "a<CR>/b"], ["a\n\r\n", "a<LF>/<CR><LF>/"], ["\tx\0", "<TAB>x<NUL>"],
    ["é€😀", "é€😀"], ["a\u200bb", "a<xe2><x80><x8b>b"], ["a\u202eb", "a<xe2><x80><xae>b"],
  ]);
  for (const [text, wanted] of table) assert.equal(shown(bytes(text)), wanted, JSON.stringify(text));
  const raw = /** @type {[string, string][]} */ ([["ff41c3", "<xff>A<xc3>"], ["c080", "<xc0><x80>"], ["eda080", "<xed><xa0><x80>"], ["efbbbf41", "<xef><xbb><xbf>A"], ["e282ac", "€"], ["e2820a", "<xe2><x82><LF>/"]]);
  for (const [hex, wanted] of raw) assert.equal(shown(fromHex(hex)), wanted, hex);
});

test("one byte is pointed at, and messages end where they are cut", () => {
  assert.equal(shown(bytes("abc"), { hit: 1 }), "ab!c");
  assert.equal(shown(bytes("a€c"), { hit: 2 }), "a€!c"); // within a character
  assert.equal(shown(bytes("a\r\n"), { hit: 2 }), "a<CR><LF>!/");
  assert.equal(shown(bytes("ab"), { hit: 2 }), "ab<ends here>!");
  assert.equal(shown(bytes("a\nb"), { cuts: [2, 3] }), "a<LF>|/b|");
  assert.equal(shown(bytes("abcd"), { cuts: [2] }), "ab|cd");
});

test("all bytes are shown, each once, however they look", () => {
  const all = Uint8Array.from({ length: 512 }, (_, at) => (at * 37 + (at >> 3)) & 255);
  const found = pieces(all).filter(({ kind }) => kind === "text" || kind === "mark");
  const ends = found.map((piece, place) => found[place + 1]?.at ?? all.length);
  assert.equal(found[0].at, 0);
  assert.ok(found.every((piece, place) => piece.kind === "mark" ? ends[place] === piece.at + 1 : bytes(piece.text).length === ends[place] - piece.at));
});

test("a response to edit is text without breaks, and escapes for the rest", () => {
  assert.equal(escaped(bytes("a\\b\r\nc\t\0")), "a\\\\b\\r\\n\nc\\t\\x00");
  assert.equal(escaped(bytes("end\n")), "end\\n"); // no break behind the last line
  assert.equal(escaped(fromHex("ff0a41")), "\\xff\\n\nA");
});

test("the first line is found and is one line", () => {
  const table = [["GET / HTTP/1.1\r\nHost", "GET / HTTP/1.1"], ["\r\nab", "‹CR›‹LF›ab"], ["", ""], ["a\tb", "a‹TAB›b"]];
  for (const [text, wanted] of table) assert.equal(firstLine(btoa(text)).replace(/\n/g, ""), wanted);
});

test("where two requests part, also behind lines that do not count", () => {
  const table = /** @type {[string, string, number|null][]} */ ([["abc", "abd", 2], ["ab", "ab", null], ["ab", "abc", 2], ["", "a", 0]]);
  for (const [a, b, wanted] of table) assert.equal(firstDifference(bytes(a), bytes(b)), wanted);
  const [asked, near] = [bytes("GET /\r\nDate: Monday\r\nX: 1\r\n"), bytes("GET /\r\nDate: Sun\r\nX: 2\r\n")];
  assert.equal(placeInNear(asked, near, 24), 21);
  assert.equal(String.fromCharCode(asked[24], near[21]), "12");
  assert.equal(placeInNear(bytes("abc"), bytes("abd"), 2), 2);
  assert.equal(placeInNear(bytes("abcdef"), bytes("ab"), 2), 2);
});

test("of long bytes a part is shown, with the byte that is pointed at", () => {
  assert.deepEqual(windowOf(100, 200, 99), [0, 100]);
  assert.deepEqual(windowOf(1000, 200, null), [0, 200]);
  for (const hit of [0, 149, 150, 500, 805, 999]) {
    const [from, to] = windowOf(1000, 200, hit);
    assert.ok(from <= hit && hit < to && to - from <= 200 && from % 16 === 0, `${hit}: ${from} to ${to}`);
  }
});

test("the tape's bytes are shown only where they are what went by", () => {
  const hex = (/** @type {string} */ text) => [...bytes(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const long = { head: btoa("abc"), size: 6 };
  assert.equal(wholeOf(long, hex("abcdef")).length, 6);
  assert.equal(wholeOf(long, hex("abXdef")).length, 3); // edited since
  assert.equal(wholeOf(long, hex("abcde")).length, 3);
  assert.equal(wholeOf(long, undefined).length, 3);
  assert.equal(wholeOf(told("abc"), hex("zzz")).length, 3);
});

test("each mode says what happens", () => {
  for (const [mode] of MODES) assert.match(modeWords({ mode, target: "h:1" }), /h:1/);
  assert.match(modeWords({ mode: "replay", target: "h:1", miss: "close" }), /without a byte/);
  assert.match(modeWords({ mode: "replay", target: "h:1", miss: "close", transport: "udp" }), /gets no answer/);
  assert.match(modeWords({ mode: "replay", target: "h:1", miss: "text" }), /text from the settings/);
  assert.deepEqual(MODES.map(([mode]) => Object.values(wayOf(mode)).map(Number).join("")), ["100", "110", "001", "110"]);
});

test("faults are named with their figures, and which end connections", () => {
  const none = { upstream_reset_peer: -1, upstream_timeout: -1 };
  assert.deepEqual(faultsOf(none, "upstream"), []);
  const words = (/** @type {object} */ set) => faultsOf({ ...none, ...set }, "upstream").map((fault) => `${fault.name}: ${fault.words}${fault.hard ? "!" : ""}`);
  assert.deepEqual(words({ upstream_latency: 200, upstream_jitter: 50 }), ["latency: 200 ± 50 ms later"]);
  assert.deepEqual(words({ upstream_rate: 0.5 }), ["bandwidth: 0.5 KB/s"]);
  assert.deepEqual(words({ upstream_average_size: 20, upstream_size_variation: 5, upstream_delay: 10 }), ["slicer: cut to 20 ± 5 bytes, 10 ms apart"]);
  assert.deepEqual(words({ upstream_reset_peer: 0 }), ["reset: reset after 0 ms!"]);
  assert.deepEqual(words({ upstream_timeout: 0 }), ["timeout: silent!"]);
  assert.deepEqual(faultsOf({ ...none, upstream_rate: 5 }, "downstream").length, 0);
});

test("the reel fills, and never quite", () => {
  const parts = [0, 1, 10, 100, 100_000].map(fullness);
  assert.ok(parts.every((part, place) => part < 1 && (place === 0 ? part === 0 : part > parts[place - 1])));
  assert.ok(radii(0)[0] < radii(0)[1] && radii(1e6)[0] > radii(1e6)[1]);
});

test("cuts make parts, and words for what waits", () => {
  assert.deepEqual(partsOf([2, 5], 7), [{ from: 0, to: 2, whole: true }, { from: 2, to: 5, whole: true }, { from: 5, to: 7, whole: false }]);
  assert.deepEqual(partsOf([5, 2, 2, 0, 9], 5).map(({ from, to, whole }) => [from, to, whole]), [[0, 2, true], [2, 5, true]]);
  assert.deepEqual(partsOf([], 0), []);
  const table = /** @type {[number[], number, string, string][]} */ ([
    [[3], 3, "http", "1 message"], [[3, 4], 5, "line", "2 messages, 1 byte wait"], [[], 54, "length4", "never ends: 54 bytes wait"],
    [[], 0, "line", "no bytes"], [[5], 5, "connection", "1 message, at the end"], [[], 5, "pause", "by the clock"],
  ]);
  for (const [cuts, total, name, wanted] of table) assert.equal(cutWords(cuts, total, name), wanted);
});

test("a tape is called by the last part of its path", () => {
  assert.deepEqual(["/a/b.jsonl", "C:\\x\\y.log", "", "t"].map(tapeName), ["b.jsonl", "y.log", "tape", "t"]);
});

test("servers that can be recorded are found, with their address from here", () => {
  const table = [["0.0.0.0:80", "127.0.0.1:80"], ["127.0.0.1:6789", "127.0.0.1:6789"], ["[::]:25", "[::1]:25"], ["[::1]:25", "[::1]:25"], ["192.168.1.5:1", "192.168.1.5:1"]];
  for (const [address, wanted] of table) assert.equal(targetOf(address), wanted);
  const all = /** @type {any[]} */ ([
    { id: "a", lab: "http_web", title: "Web server 1", state: "running", address: "0.0.0.0:80", rate: 0 }, { id: "b", lab: "udp_ping", title: "P", state: "running", address: "x:1", rate: 0 },
    { id: "c", lab: "smtp_sink", title: "SMTP sink 1", state: "stopped", address: "", rate: 0 }, { id: "d", lab: "smtp_sink", title: "SMTP sink 2", state: "running", address: "127.0.0.1:25", rate: 0 },
  ]);
  const found = sourcesOf(all, "tcp");
  assert.deepEqual(found.map(({ id, running }) => [id, running]), [["a", true], ["d", true]]);
  assert.deepEqual(recordSettings(found[0]), { target: "127.0.0.1:80", framing: "http", match: "http", mode: "record" });
  assert.deepEqual(recordSettings(found[1]), { target: "127.0.0.1:25", framing: "line", match: "exact", mode: "record" });
  const [ping] = sourcesOf(all, "udp");
  assert.deepEqual(recordSettings(ping), { target: "x:1", match: "numbers", mode: "record" });
  const step = (/** @type {object} */ more) => stepOf({ settings: { target: "127.0.0.1:80", mode: "record" }, state: "running", source: found[0], recorded: 0, ...more });
  assert.deepEqual([step({}), step({ recorded: 2 }), step({ source: null }), step({ source: found[1] }), step({ state: "stopped" })], [2, 3, 1, 1, 1]);
  assert.deepEqual(["replay", "pass", "record-if-new"].map((mode) => step({ settings: { target: "127.0.0.1:80", mode } })), [4, 1, 2]);
});

test("a file is sent in pieces without a gap, whose base64 joins", () => {
  for (const size of [0, 1, PIECE, PIECE + 1, 5 * PIECE - 7]) {
    const found = piecesOf(size);
    assert.equal(found.at(-1)?.to, size);
    assert.ok(found.every(({ at, to, last }, place) => at === (found[place - 1]?.to ?? 0) && to - at <= PIECE && last === (place === found.length - 1)));
  }
  assert.ok((PIECE / 3) * 4 <= 150_000 && PIECE % 3 === 0);
  const all = Uint8Array.from({ length: 20_000 }, (_, at) => at & 255);
  assert.deepEqual(Uint8Array.from(atob(toBase64(all)), (letter) => letter.charCodeAt(0)), all);
});

test("sends and receives stand on one line of time", () => {
  const piece = (/** @type {number} */ at) => ({ at_ms: at, size: 1, text: "x", hex: "78" });
  const base = { summary: "", sends: [piece(1), piece(5)], receives: [piece(3), piece(5)], ended_by: "server", sent: 2, received: 2, send_calls: 2, recv_calls: 2, connect_ms: 0.5, first_ms: 3, total_ms: 9, cut: false, hint: "", error: "" };
  assert.deepEqual(momentsOf(base).map(({ way, at }) => `${way} ${at}`), ["mark 0.5", "out 1", "back 3", "out 5", "back 5", "mark 9"]);
  assert.deepEqual(momentsOf({ ...base, connect_ms: null, ended_by: "" }).map(({ way }) => way), ["out", "back", "out", "back"]);
});
