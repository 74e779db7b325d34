import assert from "node:assert/strict";
import { test } from "node:test";
import { CONNECTIONS, dataLines, isWhole, LINES, meaningOf, Model, replyLines } from "../../static/js/labs/smtp_sink/model.js";
import { idle } from "../../static/js/labs/smtp_sink/faults.js";
import { lineWords, outcomeWords } from "../../static/js/labs/smtp_sink/outcome.js";

/** @param {string} kind @param {object} [more] @returns {any} */
const event = (kind, more = {}) => ({ n: 0, kind, t: 1, conn: "c1", peer: "p:1", ...more });
const reply = (more = {}) => event("smtp_reply", { code: 250, enhanced: "2.1.0", lines: ["ok"], verb: "MAIL", ...more });
/** @param {string} text */
const bytes = (text) => ({ head: btoa(text), size: text.length });

test("what was said stands in order, a reply's lines each", () => {
  const model = new Model();
  model.add([
    event("connection_opened"), event("smtp_command", { shown: "EHLO x", verb: "EHLO" }), reply({ verb: "EHLO", enhanced: "", lines: ["hello", "SIZE 9"] }),
    event("tls_started", { version: "TLSv1.3", cipher: "X" }), event("fault_hit", { fault: "451 on the 2nd RCPT" }), event("connection_closed", { t: 9, reason: "done" }),
  ]);
  const [conn] = model.connections;
  assert.deepEqual(conn.said.map((said) => [said.side, said.text]), [
    ["client", "EHLO x"], ["server", "250-hello"], ["server", "250 SIZE 9"],
    ["note", "Encrypted from here on: TLSv1.3, X."], ["note", "fault: 451 on the 2nd RCPT"],
  ]);
  assert.deepEqual([conn.tls, conn.closed, conn.reason, conn.said[4].fault], [true, 9, "done", true]);
});

test("a name that comes again is another connection", () => {
  const model = new Model();
  model.add([event("connection_opened"), event("connection_closed"), event("connection_opened"), reply(), event("smtp_command", { peer: "p:2" })]);
  assert.deepEqual(model.connections.map((conn) => [conn.peer, conn.said.length]), [["p:1", 0], ["p:1", 1], ["p:2", 1]]);
  assert.equal(new Set(model.connections.map((conn) => conn.key)).size, 3);
});

test("the end that our own client tells is no further connection", () => {
  const model = new Model();
  model.add([event("connection_opened"), event("connection_opened", { conn: "client-5000", peer: "s:25" }), event("connection_closed", { conn: "client-5000", peer: "s:25" })]);
  assert.deepEqual(model.connections.map((conn) => [conn.name, conn.closed]), [["c1", null]]);
});

test("what is kept has bounds", () => {
  const model = new Model();
  model.add(Array.from({ length: CONNECTIONS + 5 }, (_, place) => event("connection_opened", { conn: `c${place}` })));
  assert.equal(model.connections.length, CONNECTIONS);
  assert.equal(model.connections[0].name, "c5");
  model.add(Array.from({ length: LINES + 7 }, () => reply({ conn: "c9" })));
  const conn = model.connections.find((entry) => entry.name === "c9");
  assert.deepEqual([conn?.said.length, conn?.left], [LINES, 7]);
});

test("each line has its meaning", () => {
  const meanings = { verbs: { MAIL: "from" }, keywords: { SIZE: "how much" }, codes: { 250: "done" }, replies: { "MAIL 250": "taken" } };
  const model = new Model();
  model.add([
    event("smtp_command", { shown: "MAIL FROM:<>", verb: "MAIL" }), reply(), reply({ verb: "NOOP" }), reply({ code: 459, verb: "" }),
    reply({ verb: "EHLO", enhanced: "", lines: ["x", "SIZE 9"] }), event("smtp_command", { shown: "••••", verb: "AUTH" }), event("smtp_command", { shown: "XYZ" }),
    event("smtp_command", { shown: "" }),
  ]);
  assert.deepEqual(model.connections[0].said.map((said) => meaningOf(said, meanings)), [
    "from", "taken", "done", "Not now: try again later.", "More of the reply follows: a hyphen stands behind the code.", "Announced: how much.",
    "A line of the log-in, in base64.", "The server knows no such command.", "An empty line is no command.",
  ]);
});

test("a reply is shown as it was on the wire", () => {
  assert.deepEqual(replyLines(reply({ lines: ["a", "b"] })), ["250-2.1.0 a", "250 2.1.0 b"]);
});

test("dots that were added are told from the dot that ends", () => {
  const lines = dataLines(bytes("a\r\n..b\r\n.c\r\n.\r\n"));
  assert.deepEqual(lines.map(({ text, stuffed, end }) => [text, stuffed, end]), [["a", false, false], ["..b", true, false], [".c", true, false], [".", false, true]]);
  assert.deepEqual(dataLines(undefined), []);
});

test("what came of a message is said in sentences", () => {
  const sent = { accepted: ["a@x", "b@x"], refused: [], id: "17.M5", size: 304, error: "" };
  assert.deepEqual(outcomeWords(sent), ["Sent.", "The server has it for a@x, b@x.", "The message has 304 bytes; in the mailbox it is called 17.M5."]);
  assert.deepEqual(outcomeWords({ ...sent, refused: ["c@x"], id: "" }), ["Sent to 2 of 3 recipients.", "The server has it for a@x, b@x.", "It refused c@x.", "The message has 304 bytes."]);
  assert.deepEqual(outcomeWords({ ...sent, accepted: [], id: "", error: "The server refused MAIL." }), ["Not sent.", "The server refused MAIL."]);
  assert.deepEqual(outcomeWords({ sent: true, error: "" }), ["The server has taken a message."]);
  assert.deepEqual(outcomeWords({ sent: false, error: "It closed." }), ["The server has taken no message.", "It closed."]);
});

test("a line of a result is judged only where a code was due", () => {
  const line = { side: /** @type {"S"} */ ("S"), line: "503 no", t_ms: 1, meaning: "Too early.", expected: "354", code: 503 };
  assert.equal(lineWords({ ...line, ok: false }), "Too early. Expected 354, but 503 came.");
  assert.equal(lineWords({ ...line, ok: true }), "Too early.");
  assert.equal(lineWords({ side: "C", line: "DATA", t_ms: 1 }), "");
});

test("a fault's form shows what its kind has", () => {
  assert.deepEqual(idle({ what: "reply", verb: "RCPT" }), ["seconds"]);
  assert.deepEqual(idle({ what: "delay", verb: "any" }), ["code", "text"]);
  assert.deepEqual(idle({ what: "drop", verb: "connect" }), ["code", "text", "seconds", "nth", "once"]);
});

test("whether all of a message is there", () => {
  assert.equal(isWhole(bytes("a\r\n.\r\n")), true);
  assert.equal(isWhole({ ...bytes("a"), size: 900 }), false);
  assert.equal(isWhole(undefined), false);
});
