/** What came of one guess by hand: the guess, the toss, the verdict, and each recv() in a box of its own. */

import { el } from "../../dom.js";
import { count } from "../../format.js";

/**
 * @typedef {{round: number, rounds: number, guess: string, toss: string, right: boolean|null, came: string[], recv_calls: number, over: boolean,
 *   flag: string, note: string, hint: string, why: string}} Turn as servers/coin_game/results.py tells it
 */

/** @param {string} side */
function sideName(side) {
  return side === "1" ? "1, heads" : side === "0" ? "0, tails" : "";
}

/** The outcome of a guess in a sentence. Pure. @param {Turn} turn */
export function turnWords({ guess, toss, right }) {
  if (!guess) return "";
  const coin = toss ? ` The coin: ${sideName(toss)}.` : "";
  if (right === null || right === undefined) return `You said ${sideName(guess)}.${coin} No verdict was read.`;
  return `You said ${sideName(guess)}.${coin} ${right ? "Right." : "Wrong."}`;
}

/** How many recv() calls it took. Pure. @param {Turn} turn */
export function callWords({ recv_calls: calls }) {
  return calls === 0 ? "No recv() returned anything." : calls === 1 ? "It came with one recv():" : `It took ${count(calls)} recv() calls:`;
}

/** @param {Turn} turn @param {boolean} [noted] whether what its note says stands elsewhere */
export function turnView(turn, noted = false) {
  const words = turnWords(turn);
  const verdict = words && el("p", { class: "turnwords", "data-right": String(turn.right) }, words);
  const pieces = turn.came.map((data) => el("li", {}, el("code", {}, data)));
  return el(
    "div", { class: "turn" }, verdict || null, !noted && turn.note && el("p", { class: turn.flag ? "good" : "bad" }, turn.note),
    !noted && turn.why && el("p", {}, `${turn.why}.`), (turn.guess || pieces.length > 0) && el("p", { class: "help" }, callWords(turn)), pieces.length > 0 && el("ol", { class: "pieces" }, ...pieces),
  );
}
