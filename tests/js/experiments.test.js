import assert from "node:assert/strict";
import { test } from "node:test";

import { answer, compare, Runs } from "../../static/js/labs/tcp_upper/experimentmodel.js";
import { QUESTIONS } from "../../static/js/labs/tcp_upper/questions.js";

const start = (request, experiment = "linger") => ({ n: 1, t: 1, kind: "experiment_started", request, experiment, title: "A close() that resets" });
const call = (request, actor, name, more = {}) => ({ n: 2, t: 2, kind: "experiment_call", request, actor, call: name, ...more });
const end = (request, outcome) => ({ n: 3, t: 3, kind: "experiment_finished", request, experiment: "linger", outcome, verdict: "As the book says." });

test("a run has a column for each actor, in the order of their first call", () => {
  const runs = new Runs();
  runs.add([start("a"), call("a", "server", "bind"), call("a", "client", "connect"), call("a", "server", "accept"), call("a", "", "", { means: "And now?" }), { ...call("a", "", ""), kind: "experiment_claim", what: "recv()", predicted: "b''", seen: "b''", agree: true }, end("a", "reset")]);
  const run = runs.pick("", () => true);
  assert.deepEqual(run.actors, ["server", "client"]);
  assert.deepEqual(run.steps.map((step) => step.kind), ["call", "call", "call", "remark", "claim"]);
  assert.equal(run.over, true);
});

test("the chosen run comes before one's own, one's own before others'", () => {
  const runs = new Runs();
  runs.add([start("mine"), start("other")]);
  assert.equal(runs.pick("", (id) => id === "mine").request, "mine");
  assert.equal(runs.pick("other", (id) => id === "mine").request, "other");
  assert.equal(runs.pick("gone", () => false).request, "other");
  assert.equal(new Runs().pick("", () => true), undefined);
});

test("events of other kinds and of runs that did not begin here change nothing", () => {
  const runs = new Runs();
  assert.deepEqual([...runs.add([call("x", "server", "bind"), { n: 1, t: 1, kind: "data_sent" }])], []);
  runs.add([start("a"), { n: 1, t: 1, kind: "data_sent", request: "a" }]);
  assert.deepEqual(runs.pick("", () => true).steps, []);
});

test("only the newest runs are kept", () => {
  const runs = new Runs();
  runs.add(Array.from({ length: 100 }, (_, place) => start(`r${place}`)));
  assert.equal(runs.all.size, 60);
  assert.equal(runs.pick("", () => false).request, "r99");
});

test("a call's answer is its error, else its result", () => {
  assert.equal(answer({ result: "-1", error: "EADDRINUSE: Address already in use" }), "EADDRINUSE: Address already in use");
  assert.equal(answer({ result: "5 bytes", error: "" }), "5 bytes");
  assert.equal(answer({ result: "0", error: "" }), "");
});

test("a prediction stands beside what happened", () => {
  const runs = new Runs();
  runs.add([start("a"), end("a", "reset")]);
  const run = runs.pick("", () => true);
  assert.deepEqual(compare(QUESTIONS.linger, "reset", run), { seen: "ECONNRESET", predicted: "ECONNRESET", right: true });
  assert.equal(compare(QUESTIONS.linger, "end", run).right, false);
  assert.equal(compare(QUESTIONS.linger, "", run).right, null);
  assert.match(compare(QUESTIONS.linger, "end", { ...run, outcome: "failed" }).seen, /could not be played/);
});

test("each question has its answer by the book among its options", () => {
  for (const { options, book, why, question } of Object.values(QUESTIONS)) {
    assert.ok(options[book]);
    assert.ok(question.endsWith("?") && why);
  }
});
