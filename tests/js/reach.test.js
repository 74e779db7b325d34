import assert from "node:assert/strict";
import { test } from "node:test";
import { inTerminal, machine, reachable, reachableCommand } from "../../static/js/reach.js";

test("a server on every address is shown at the one the class uses", () => {
  const page = { class_mode: true, class_link: "http://192.168.0.7:8000/join?code=x" };
  assert.equal(machine(page, "127.0.0.1"), "192.168.0.7");
  assert.equal(machine({ class_mode: true, class_link: "" }, "lab.local"), "lab.local");
  assert.equal(reachable("0.0.0.0:12000", "192.168.0.7"), "192.168.0.7:12000");
  assert.equal(reachable("[::]:12000", "[fd00::7]"), "[fd00::7]:12000");
});

test("a server on one address keeps it", () => {
  assert.equal(reachable("127.0.0.1:12000", "192.168.0.7"), "127.0.0.1:12000");
  assert.equal(reachable("unix:/tmp/0.0.0.0:1", "192.168.0.7"), "unix:/tmp/0.0.0.0:1");
  assert.equal(reachable("", "192.168.0.7"), "");
});

test("the client's command names the machine", () => {
  const command = "python -m servers.udp_ping.client 127.0.0.1 12000 -c 3";
  assert.equal(reachableCommand(command, "0.0.0.0:12000", "192.168.0.7"), "python -m servers.udp_ping.client 192.168.0.7 12000 -c 3");
  assert.equal(reachableCommand(command, "127.0.0.1:12000", "192.168.0.7"), command);
});

test("a page that waits for a first client says how to start one", () => {
  const instance = { client_command: "python -m servers.udp_ping.client 127.0.0.1 12000", address: "0.0.0.0:12000" };
  const page = /** @type {any} */ ({ class_mode: false });
  assert.equal(inTerminal(instance, page, "lab.local"), "run this in a terminal: python -m servers.udp_ping.client lab.local 12000");
});
