import assert from "node:assert/strict";
import { test } from "node:test";
import { itemsOf, joinsOf, onlyLost, ROOM, thrownOf } from "../../static/js/walk/joins.js";
import { MOST, taken, Walk } from "../../static/js/walk/model.js";
import { ackWords, answerOf, expected, judgeAck, judgeSeq, seqWords } from "../../static/js/walk/predict.js";
import { bitWords, bytesOf, fieldAt, fieldOf, layersOf } from "../../static/js/walk/ruler.js";
import { stepOf, summaryOf } from "../../static/js/walk/steps.js";
import { blocksOf, SHOWN, textOf } from "../../static/js/walk/stream.js";
import { withoutPackets } from "../../static/js/walk/titles.js";
import { MARKS, markOf, numbers, passes, rowWords, sourceWords, stateWords, timeText } from "../../static/js/walk/words.js";

/** The article's eleven packets: way, flags, seq, ack, length. @type {[string, string, number, number|null, number][]} */
const ARTICLE = [
  [">", "SYN", 0, null, 0], ["<", "SYN ACK", 0, 1, 0], [">", "ACK", 1, 1, 0], [">", "PSH ACK", 1, 1, 322], ["<", "ACK", 1, 323, 0],
  ["<", "PSH ACK", 1, 323, 279], ["<", "FIN ACK", 280, 323, 0], [">", "ACK", 323, 280, 0], [">", "ACK", 323, 281, 0], [">", "FIN ACK", 323, 281, 0], ["<", "ACK", 281, 324, 0],
];

/** Rows as the API gives them, through the model. @param {[string, string, number, number|null, number, object?][]} packets */
function rowsOf(packets) {
  const walk = new Walk();
  walk.add({
    rows: packets.map(([way, flags, seq, ack, length, more], place) => ({
      n: place + 1, number: place + 1, t: 100 + place / 1000, after: place / 1000, way: way === ">" ? "to_server" : "to_client", flags: flags ? flags.split(" ") : [],
      seq, ...(ack === null ? {} : { ack }), length, next_seq: seq + length + Number(/SYN/.test(flags)) + Number(/FIN/.test(flags)), raw_seq: 4_000_000_000 + seq, ...more,
    })),
  });
  return walk.rows;
}
const article = rowsOf(ARTICLE);
/** @param {"client"|"server"} side @param {string} words @param {number} ms after the first packet @param {boolean} [error] @returns {any} */
const call = (side, words, ms, error = false) => ({ n: 0, t: 100 + ms / 1000, side, call: words.replace(/\(.*/, ""), words, error });

// -- the model

test("rows come page by page, and what is known already is skipped", () => {
  const walk = new Walk();
  const raw = (/** @type {number} */ n) => ({ n, t: n, after: n - 1, way: "to_server" });
  assert.equal(walk.add({ rows: [raw(1), raw(2)] }), true);
  assert.equal(walk.add({ rows: [raw(2)] }), false);
  assert.equal(walk.add({ rows: [raw(2), raw(3)], calls: [call("client", "connect()", 0)] }), true);
  assert.deepEqual(walk.rows.map(({ n, gap }) => [n, gap]), [[1, 0], [2, 1], [3, 1]]);
  assert.equal(walk.last, 3);
  assert.equal(walk.placeOf(3), 2);
  assert.equal(walk.placeOf(9), -1);
  assert.equal(walk.rows[0].ack, null); // what the API leaves out
  walk.add({ rows: Array.from({ length: MOST }, (_, place) => raw(place + 4)) });
  assert.equal(walk.rows.length, MOST);
});

test("a call that is told late stands where its time is", () => {
  const walk = new Walk();
  const [first, late, last] = [call("client", "connect()", 0), call("client", "send(1 bytes) = 1", 1), call("server", "close()", 2)];
  walk.add({ calls: [first, last], given: "2-102000000-7" });
  assert.equal(walk.add({ calls: [late], given: "3-102000000-7" }), true);
  assert.deepEqual(walk.calls.map(({ words }) => words), ["connect()", "send(1 bytes) = 1", "close()"]);
  assert.equal(walk.given, "3-102000000-7");
});

test("rows that have changed since they were given come anew, with the calls", () => {
  const walk = new Walk();
  walk.add({ rows: [{ n: 1, t: 1 }, { n: 2, t: 2 }], calls: [call("client", "connect()", 0)] });
  assert.equal(walk.add({ rows: [{ n: 1, t: 1, length: 5 }], calls: [call("client", "connect()", 0)], anew: true }), true);
  assert.deepEqual(walk.rows.map(({ n, length }) => [n, length]), [[1, 5]]);
  assert.equal(walk.calls.length, 1);
  assert.equal(walk.begun, 1);
});

test("SYN and FIN take a number each", () => {
  assert.deepEqual(article.map(taken), [1, 1, 0, 322, 0, 279, 1, 0, 0, 1, 0]);
});

// -- calls and packets

test("each call stands with the packet that it caused, or that let it return", () => {
  const calls = [
    call("client", "connect(127.0.0.1:6789) = 0", 2.2), call("server", "accept() = 127.0.0.1:50000", 2.5), call("client", "send(322 bytes) = 322", 3.3),
    call("server", "recv(2048) = 322 bytes", 3.4), call("client", "recv(2048) = 279 bytes", 5.2), call("server", "send(279 bytes) = 279", 5.3),
    call("server", "close() = 0", 5.9), call("client", "recv(2048) = 0 bytes: the other side has ended its side", 6.5), call("client", "close() = 0", 8.9),
  ];
  const found = joinsOf(article, calls);
  assert.deepEqual(calls.map((each) => [(found.get(each)?.place ?? -2) + 1, found.get(each)?.causes]), [
    [1, true], [3, false], [4, true], [4, false], [6, false], [6, true], [7, true], [7, false], [10, true],
  ]);
  const items = itemsOf(article, calls);
  assert.equal(items.length, 11);
  assert.deepEqual(items[3].client.map(({ call: each }) => each.words), ["send(322 bytes) = 322"]);
});

test("calls without a packet stand between the packets, by their times, several in a line", () => {
  const calls = [...["socket()", "setsockopt()", "bind()", "listen()"].map((words, place) => call("server", words, -50 + place)), call("client", "settimeout(1)", 2.5)];
  const items = itemsOf(article, calls);
  assert.deepEqual(items.slice(0, 3).map(({ row, server }) => [row?.n ?? 0, server.length]), [[0, ROOM], [0, 1], [1, 0]]);
  assert.deepEqual(items[5].client.map(({ call: each }) => each.words), ["settimeout(1)"]);
  assert.equal(items[4].row?.n, 3);
});

test("a send that made several packets stands with the first, the next send with its own", () => {
  const rows = rowsOf([[">", "ACK", 1, 1, 1000], [">", "ACK", 1001, 1, 1000], [">", "PSH ACK", 2001, 1, 500], [">", "PSH ACK", 2501, 1, 5]]);
  const calls = [call("client", "send(2500 bytes) = 2500", 2.5), call("client", "send(5 bytes) = 5", 3.5)];
  const found = joinsOf(rows, calls);
  assert.deepEqual(calls.map((each) => found.get(each)?.place), [0, 3]);
});

test("bytes decide, where calls follow each other faster than times can tell", () => {
  const rows = rowsOf([...ARTICLE.slice(0, 3), [">", "PSH ACK", 1, 1, 4], ["<", "PSH ACK", 1, 5, 4], [">", "PSH ACK", 5, 5, 4], ["<", "PSH ACK", 5, 9, 8]]);
  const calls = [call("server", "recv(9) = 4 bytes", 6), call("server", "send(4 bytes) = 4", 6), call("server", "recv(9) = 4 bytes", 6), call("server", "send(3 bytes) = 3", 6), call("server", "send(5 bytes) = 5", 6), call("client", "recv(2) = 2 bytes", 7), call("client", "recv(20) = 10 bytes", 7)];
  const found = joinsOf(rows, calls);
  assert.deepEqual(calls.map((each) => (found.get(each)?.place ?? -2) + 1), [4, 5, 6, 7, 7, 5, 7]);
});

test("datagrams that come in a burst are read in their order; of what waited long the newest was read", () => {
  const rows = rowsOf(Array.from({ length: 6 }, () => [">", "", 0, null, 8, { transport: "udp" }]));
  rows.push({ ...rows[5], n: 7, t: 101 }, { ...rows[5], n: 8, t: 102 });
  const made = (/** @type {string} */ name, /** @type {number} */ ms) => ({ ...call("server", name === "lost" ? "lost on the way to the server, on purpose: 8 bytes" : "recvfrom(2048) = 8 bytes", ms, name === "lost"), call: name });
  const calls = [made("recvfrom", 5), made("recvfrom", 6), made("lost", 6), made("lost", 7), made("recvfrom", 8), made("recvfrom", 2001)];
  const found = joinsOf(rows, calls);
  assert.deepEqual(calls.map((each) => (found.get(each)?.place ?? -2) + 1), [1, 2, 2, 3, 4, 8]);
});

test("a datagram that the lab threw away ends in a cross, whether it arrived or never left", () => {
  const rows = rowsOf([[">", "", 0, null, 8, { transport: "udp" }], [">", "", 0, null, 8, { transport: "udp" }]]);
  const calls = [call("server", "lost on the way to the server, on purpose: 8 bytes", 0.1, true), call("server", "recvfrom(2048) = 8 bytes", 1.1), call("server", "lost on the way back, on purpose: 8 bytes", 1.2, true)].map((each, place) => ({ ...each, call: ["lost", "recvfrom", "lost"][place] }));
  const items = itemsOf(rows, calls);
  assert.deepEqual(items.map(({ row, lost }) => [row?.n ?? 0, lost]), [[1, "to_server"], [2, ""], [0, "to_client"]]);
  assert.deepEqual([...thrownOf(items)], [1]);
  assert.deepEqual(itemsOf(rows, onlyLost(calls)).map(({ lost }) => lost), ["to_server", "", "to_client"]); // the crosses stay when calls are not shown
});

// -- words

test("numbers are relative or as on the wire, and none without the ACK flag", () => {
  assert.deepEqual(numbers(article[0], false), ["0", "–"]);
  assert.deepEqual(numbers({ ...article[3], raw_ack: 77 }, true), ["4000000001", "77"]);
});

test("times fit in a column", () => {
  for (const [seconds, words] of /** @type {[number, string][]} */ ([[0, "0 ms"], [0.000089, "0.089 ms"], [0.0123, "12.3 ms"], [1.5, "1.500 s"], [312.4, "312.4 s"]])) assert.equal(timeText(seconds), words);
});

test("every mark has a shape, a word and a colour of its own", () => {
  const marks = "retransmission fast_retransmission out_of_order duplicate_ack keep_alive keep_alive_ack zero_window window_update window_probe window_full reset lost_segment syn_again cut lost".split(" ");
  assert.deepEqual(Object.keys(MARKS).sort(), marks.sort());
  assert.equal(new Set(marks.map((mark) => markOf(mark)[1])).size, marks.length);
  assert.deepEqual(markOf("brand_new"), ["•", "brand new", "plain"]);
});

test("a row in words keeps hidden numbers back", () => {
  assert.match(rowWords(article[3], false, false), /^4, client to server, PSH ACK, seq 1, ack 1, 322 bytes, after 3\.00 ms$/);
  const hidden = rowWords(article[3], false, true);
  assert.match(hidden, /number hidden/);
  assert.doesNotMatch(hidden, /seq 1/);
});

test("a connection's source and state in a word", () => {
  assert.equal(sourceWords("events"), "worked out from socket calls: no pure ACKs");
  assert.equal(sourceWords("events", "", "udp"), "worked out from socket calls");
  assert.equal(sourceWords("upload", "walk.pcap"), "uploaded walk.pcap");
  for (const [state, words] of [["half closed", "half closed"], ["", "TCP"], ["client TIME_WAIT, server LAST_ACK", "closed"], ["client ESTABLISHED, server ESTABLISHED", "open"], ["client FIN_WAIT_2, server CLOSE_WAIT", "half closed"], ["client SYN_SENT, server LISTEN", "opening"]]) {
    assert.equal(stateWords(/** @type {any} */ ({ state, transport: "tcp" })), words);
  }
  const connection = /** @type {any} */ ({ person: "Ana", client: "127.0.0.1:50000", server: "127.0.0.1:6789", state: "closed", transport: "tcp", note: "", source: "capture" });
  assert.deepEqual(["ana 50000", "CLOSED", "udp", ""].map((wanted) => passes(connection, wanted)), [true, true, false, true]);
});

// -- predict first

test("each number of the article's packets follows from those before", () => {
  for (const [place, row] of article.entries()) {
    // packet 8 acknowledges the response and not yet the FIN behind it
    const wanted = place === 7 ? { seq: 323, ack: 281 } : { seq: row.seq, ack: row.ack };
    assert.deepEqual(expected(article, place), wanted, `packet ${place + 1}`);
    assert.equal(judgeSeq(article, place, row.seq).right, true);
    assert.equal(judgeAck(article, place, row.ack).right, true);
  }
});

test("the reason is the sum", () => {
  assert.equal(seqWords(article, 3), "What the client sent before: seq 0 + 1 for SYN = 1.");
  assert.equal(seqWords(article, 7), "What the client sent before: seq 1 + 322 bytes = 323.");
  assert.equal(ackWords(article, 1), "The next that is wanted of the client: seq 0 + 1 for SYN = 1.");
  assert.equal(ackWords(article, 10), "The next that is wanted of the client: seq 323 + 1 for FIN = 324.");
  assert.match(ackWords(article, 7), /up to 280, but here only what is before 280 had arrived/);
});

test("a wrong answer is told why", () => {
  const seq = /** @type {[number, number|null, RegExp][]} */ ([[6, 1, /^That is where the bytes before began; they take 279 numbers/], [2, 0, /^SYN takes a number/], [6, 279, /^That is the last byte that was sent/], [7, 280, /^That is its ack: seq counts/], [3, 2, /^A pure ACK takes no number/], [3, null, /^Every packet has a seq/]]);
  for (const [place, said, words] of seq) {
    const judged = judgeSeq(article, place, said);
    assert.equal(judged.right, false);
    assert.match(judged.words, words);
  }
  const ack = /** @type {[number, number|null, RegExp][]} */ ([[4, 322, /^The ack is not the last byte that came, but the next/], [1, 0, /^SYN takes a number/], [10, 323, /^FIN takes a number/], [0, 1, /^It has none/], [4, null, /^It has the ACK flag/]]);
  for (const [place, said, words] of ack) {
    const judged = judgeAck(article, place, said);
    assert.equal(judged.right, false);
    assert.match(judged.words, words);
  }
});

test("what does not follow is no fault of the arithmetic", () => {
  const rows = rowsOf([[">", "SYN", 0, null, 0], [">", "SYN", 0, null, 0, { marks: ["syn_again"] }], ["<", "SYN ACK", 0, 1, 0], [">", "ACK", 0, 1, 0, { marks: ["keep_alive"] }], [">", "PSH ACK", 9, 1, 3]]);
  assert.match(seqWords(rows, 1), /^Not 1, the next number: it begins at 0 again/);
  assert.match(seqWords(rows, 3), /keep-alive has the number before the next one, 1 − 1/);
  assert.match(seqWords(rows, 4), /should be 1: something before it was not captured/);
});

test("numbers are typed in several ways", () => {
  for (const [text, value] of /** @type {[string, number|null][]} */ ([["323", 323], [" 1 ", 1], ["", null], ["–", null], ["-", null], ["none", null], ["x", NaN], ["1.5", NaN], ["99999999999", NaN]])) assert.deepEqual(answerOf(text), value);
});

// -- a walk

test("the article's packets are told one by one", () => {
  const steps = article.map((_, place) => stepOf(article, place));
  assert.deepEqual(steps.map(({ title }) => title), ["SYN 0/–", "SYN ACK 0/1", "ACK 1/1", "PSH ACK 1/1 (322 bytes)", "ACK 1/323", "PSH ACK 1/323 (279 bytes)", "FIN ACK 280/323", "ACK 323/280", "ACK 323/281", "FIN ACK 323/281", "ACK 281/324"]);
  const says = /** @type {[number, RegExp, RegExp][]} */ ([
    [0, /client asks for a connection/, /seq 0: the SYN itself.*no ACK flag/], [1, /server agrees/, /client’s SYN took 0, so 1 is wanted/], [2, /third packet of the handshake/, /seq 1: the SYN took 0; ack 1/],
    [3, /client sends 322 bytes\. PSH/, /bytes 1 to 322 .* the next is 323; ack 1: nothing new has come/], [4, /server’s kernel says that the 322 bytes arrived/, /ack 323: bytes up to 322 have arrived/], [6, /server has no more to send/, /FIN takes this number .* 281/],
    [8, /client has seen the FIN/, /ack 281: the FIN took 280/], [9, /client ends its direction, too/, /acknowledged with 324/], [10, /last FIN is acknowledged: the client forgets/, /seq 281: the FIN took 280.*ack 324/],
  ]);
  for (const [place, why, numbersSay] of says) {
    assert.match(steps[place].why, why);
    assert.match(steps[place].numbers, numbersSay);
  }
  assert.match(steps[0].why, /\(4000000000, shown as 0\)/);
  assert.match(stepOf([{ ...article[0], raw_seq: 0 }], 0).why, /begins to count with, shown as 0\./); // worked out: not known
  assert.match(summaryOf(article, false), /^11 packets\. As in the article/);
});

test("a server on a Unix-domain socket has nothing to walk", () => {
  assert.deepEqual(["unix:/tmp/a", "[::1]:7", ""].map((address) => withoutPackets(/** @type {any} */ ({ address })) !== ""), [true, false, false]);
});

test("what a packet carries stands in quotes, and what is only said of it behind them", () => {
  const why = (/** @type {string} */ message) => stepOf(rowsOf([[">", "PSH ACK", 1, 1, 9, { message }]]), 0).why;
  assert.match(why("Nice job, go on."), /9 bytes: «Nice job, go on.»\. PSH/);
  assert.match(why("250-hello (a reply of 9 lines)"), /«250-hello» \(a reply of 9 lines\)\. PSH/);
  assert.match(why("a (b)"), /«a \(b\)»/);
});

test("where an acknowledgement went along with another packet, the walk's end says so", () => {
  const merged = rowsOf([...ARTICLE.slice(0, 4), ARTICLE[5], ARTICLE[6], ARTICLE[9], ARTICLE[10]]);
  const words = summaryOf(merged, false);
  assert.match(words, /^8 packets\. The article counts eleven/);
  assert.match(words, /packet 5 \(PSH ACK\) also acknowledges the data of packet 4/);
  assert.match(words, /packet 7 \(FIN ACK\) also acknowledges the FIN of packet 6/);
  assert.match(summaryOf(merged, true), /Pure ACKs are not among them/);
});

test("a datagram has no numbers to explain", () => {
  const rows = rowsOf([[">", "", 0, null, 8, { transport: "udp", message: "Ping 1 2" }], [">", "", 0, null, 8, { transport: "udp", marks: ["lost"] }]]);
  assert.match(stepOf(rows, 0).why, /«Ping 1 2» in one piece/);
  assert.match(stepOf(rows, 1).numbers, /Nobody tells the client/);
  assert.match(summaryOf(rows, false), /^2 datagrams, and nothing else.*closed it\.$/);
  const thrown = stepOf(rows, 0, new Set([1])); // captured: it arrived, and then the lab threw it away
  assert.match(thrown.why, /«Ping 1 2» in one piece\. It arrived, and the lab threw it away/);
  assert.match(thrown.numbers, /Nobody tells the client/);
  assert.match(summaryOf(rows, false, new Set([1])), /1 of them the lab threw away/);
});

// -- the bit ruler

const field = (/** @type {string} */ layer, /** @type {string} */ name, /** @type {number} */ bit, /** @type {number} */ bits) => fieldOf({ layer, name, bit, bits, value: "" });

test("a header is drawn in lines of 32 bits", () => {
  const fields = [field("UDP", "Source port", 160, 16), field("UDP", "Destination port", 176, 16), field("UDP", "Length", 192, 16), field("UDP", "Checksum", 208, 16)];
  const [layer] = layersOf(fields);
  assert.deepEqual([layer.name, layer.bit, layer.bytes, layer.lines], ["UDP", 160, 8, 2]);
  assert.deepEqual(layer.cells.map(({ line, column, width }) => [line, column, width]), [[0, 0, 16], [0, 16, 16], [1, 0, 16], [1, 16, 16]]);
});

test("a field of several whole lines is one block, a broken one has its name where it is widest", () => {
  const [layer] = layersOf([field("IPv6", "Source", 0, 128), field("IPv6", "Odd", 128, 48), field("IPv6", "Rest", 176, 16)]);
  assert.deepEqual(layer.cells.map(({ place, line, column, width, height, named }) => [place, line, column, width, height, named]), [[0, 0, 0, 32, 4, true], [1, 4, 0, 32, 1, true], [1, 5, 0, 16, 1, false], [2, 5, 16, 16, 1, true]]);
});

test("data of many lines is drawn short, what no field names is left open, and a frame of finer fields is not drawn", () => {
  const [layer] = layersOf([field("TCP", "Flags", 8, 8), field("TCP", "SYN", 14, 1), field("TCP", "FIN", 15, 1), field("TCP", "Data", 32, 8000)]);
  assert.deepEqual(layer.cells.filter(({ line }) => line === 0).map(({ place, column, width }) => [place, column, width]), [[-1, 0, 6], [1, 6, 1], [2, 7, 1], [-1, 8, 16], [3, 24, 8]]);
  assert.ok(layer.lines <= 5);
});

test("a byte belongs to the smallest field of whole bytes", () => {
  const fields = [field("TCP", "Flags", 104, 8), field("TCP", "SYN", 110, 1), field("TCP", "Window", 112, 16), field("TCP", "All", 0, 160)];
  assert.deepEqual([13, 14, 15, 2, 40].map((byte) => fieldAt(fields, byte)), [0, 2, 2, 3, -1]);
  assert.equal(fieldAt([field("IPv4", "Version", 0, 4), field("IPv4", "Header length", 4, 4)], 0), 0);
  assert.deepEqual(bytesOf(fields[1]), [13, 14]);
  assert.equal(bitWords(fields[1], 0), "bit 110");
  assert.equal(bitWords(fields[2], 0), "bits 112 to 127 (2 bytes)");
  assert.equal(bitWords(fields[0], 96), "bits 8 to 15 (8 bits)");
});

// -- follow stream

const piece = (/** @type {string} */ way, /** @type {string} */ text, more = {}) => /** @type {any} */ ({ way: way === ">" ? "to_server" : "to_client", t: 0, offset: 0, data: btoa(text), gap: 0, ...more });

test("pieces of one side are one block until the other speaks, and a gap is named", () => {
  const { blocks, left } = blocksOf([piece(">", "GET / "), piece(">", "HTTP/1.1\r\n"), piece("<", "HTTP/1.1 200"), piece("<", "OK", { gap: 3, offset: 15 })], "text", "both");
  assert.deepEqual(blocks.map(({ way, gap, lines }) => [way, gap, lines[0]]), [["to_server", "", "GET / HTTP/1.1\n"], ["to_client", "", "HTTP/1.1 200"], ["to_client", "3 bytes not captured", "OK"]]);
  assert.equal(left, 0);
  assert.equal(blocksOf([piece(">", "a"), piece("<", "b")], "text", "to_client").blocks.length, 1);
});

test("in hex, offsets count the direction's bytes; a long stream is cut and says so", () => {
  const { blocks } = blocksOf([piece("<", "0123456789abcdefXY", { offset: 256 })], "hex", "both");
  assert.match(blocks[0].lines[1], /^000110 {2}58 59 +XY$/);
  const long = blocksOf([piece("<", "x".repeat(SHOWN)), piece("<", "yy")], "text", "both");
  assert.equal(long.left, 2);
});

test("text off the wire keeps its letters and loses its tricks", () => {
  assert.equal(textOf(new TextEncoder().encode("é\u202eabc\u0000\t\r\n")), "é·abc·\t\n");
  assert.equal(textOf(Uint8Array.of(0xff, 0x41)), "·A");
});
