/** What a run of the client found: how it ended, where the reader fell out of step, and what each recv() held. */

import { el } from "../../dom.js";
import { count, plural } from "../../format.js";

/**
 * @typedef {{summary: string, won: boolean, flag: string, rounds: number, right: number, joined: number, cut: number, recv_calls: number, send_calls: number,
 *   received: number, sent: number, seconds: number, note: string, error: string, out_of_step: {round: number, got: string, wanted: string, words: string}|null}} Result
 */

/** How the calls and the messages met. Pure. @param {Result} result */
export function callsWords({ recv_calls: calls, joined, cut, received }) {
  if (!calls) return "No recv() returned anything.";
  const parts = [`${plural(calls, "recv() call")} returned ${count(received)} bytes`];
  if (joined) parts.push(`${count(joined)} held bytes of more than one message`);
  if (cut) parts.push(`${count(cut)} began in the middle of one`);
  return `${parts.join("; ")}.`;
}

/** @param {import("../../types.js").Request} request */
export function resultSummary({ result }) {
  if (!result) return el("div");
  const found = /** @type {Result} */ (result);
  const step = found.out_of_step;
  return el(
    "div", { class: "coinoutcome", "data-good": String(!found.error && (found.won || (found.right > 0 && found.right === found.rounds))) },
    el("p", { class: "verdict" }, found.summary),
    step && el(
      "div", { class: "outofstep" }, el("h4", {}, step.round ? `Out of step after the guess of round ${count(step.round)}` : "Out of step in the greeting"),
      el("dl", {}, el("dt", {}, "recv() returned"), el("dd", {}, el("code", {}, step.got)), el("dt", {}, "it should have been"), el("dd", {}, el("code", {}, step.wanted))),
      el("p", { class: "help" }, step.words),
    ),
    found.note && el("p", {}, found.note), el("p", { class: "help" }, callsWords(found)),
  );
}
