/** What came of one line of a dialogue by hand: what was sent, which code was expected, which came, what it means. */

import { el, fill } from "../../dom.js";
import { emptyLine } from "./line.js";

/**
 * @typedef {{sent: string|null, meaning: string, decoded: string, expected: string, ok: boolean|null, note: string, state: string, tls: boolean,
 *   reply: {code: number, lines: string[], meaning: string}|null, hint: string, why: string}} Step as servers/smtp_sink/stepper.py tells it;
 *   nothing was sent where `sent` is null, an empty line where it is empty
 */

/** Where the dialogue stands, by the state's name. @type {Record<string, string>} */
const PLACES = {
  connected: "connected, and nobody has said HELO or EHLO", greeted: "a message can begin", "log-in: name": "the server waits for the name",
  "log-in: password": "the server waits for the password", "log-in: plain": "the server waits for name and password",
  mail: "the sender is known, the recipients come next", recipients: "a further recipient, or DATA", data: "within the message", closed: "the connection is closed",
};

/** The verdict in words: whether the code is one of those that mean success. Pure. @param {Step} step */
export function verdict({ reply, expected, ok }) {
  if (!reply || ok === null) return "";
  return ok ? `${reply.code}: as expected` : `expected ${expected}, but ${reply.code} came`;
}

/** @param {HTMLElement} element @param {Step} step */
export function sessionAnswer(element, step) {
  const words = verdict(step);
  fill(element, el(
    "div", { class: "step", "data-state": step.state },
    step.sent !== null && el("p", { class: "wire" }, "C: ", step.sent || emptyLine()),
    step.meaning && el("p", { class: "help" }, step.meaning),
    step.decoded && el("p", { class: "help" }, `The base64 says: ${step.decoded}`),
    ...(step.reply?.lines ?? []).map((line) => el("p", { class: "wire" }, `S: ${line}`)),
    words && el("p", { class: step.ok ? "good" : "bad" }, words),
    step.reply && el("p", { class: "help" }, step.reply.meaning),
    step.note && el("p", { class: "error" }, step.note),
    el("p", { class: "help" }, `${step.tls ? "Encrypted. " : ""}Now: ${PLACES[step.state] ?? step.state}.`),
  ));
}
