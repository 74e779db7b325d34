import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { commandLine } from "../../static/js/command.js";

/** @type {any[]} */
const fields = [
  { name: "path", type: "text", default: "/", flags: [], positional: true },
  { name: "headers", type: "text", default: "", flags: [], multiline: true },
  { name: "times", type: "int", default: 1, flags: [] },
];

/** The words as a shell reads them. @param {string} line */
function words(line) {
  return execFileSync("sh", ["-c", `printf '%s\\0' ${line}`]).toString().split("\0").slice(0, -1);
}

test("what is positional stands without a flag", () => {
  assert.equal(commandLine("client H 1", fields, { path: "/", headers: "", times: 1 }), "client H 1 /");
  assert.equal(commandLine("client H 1", fields, { path: "/a b", headers: "", times: 3 }), "client H 1 '/a b' --times 3");
  assert.equal(commandLine("client H 1", fields, { path: "", headers: "", times: 1 }), "client H 1");
});

test("what begins with a dash is taken for no flag", () => {
  assert.equal(commandLine("c", fields, { path: "-x", headers: "-a: b", times: 2 }), "c '--headers=-a: b' --times 2 -- -x".replace("'--headers=-a: b'", "--headers='-a: b'"));
});

test("a shell reads back what was written, line breaks and quotes and all", () => {
  const headers = "X-A: it's \"b\"\nX-B: $HOME `ls` \\n *\n\n";
  const line = commandLine("c", fields, { path: "/ü?a=1&b='", headers, times: 1 });
  assert.deepEqual(words(line), ["c", "/ü?a=1&b='", "--headers", headers]);
});

test("a secret is masked; its default and its plain words are shown", () => {
  /** @type {any[]} */
  const secret = [{ name: "accounts", type: "text", default: "any", flags: [], secret: true, plain: ["none"] }];
  assert.deepEqual(words(commandLine("c", secret, { accounts: "ana:s3cret" })), ["c", "--accounts", "•••"]);
  assert.equal(commandLine("c", secret, { accounts: "none" }), "c --accounts none");
  assert.equal(commandLine("c", secret, { accounts: "any" }), "c");
});
