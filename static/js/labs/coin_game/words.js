/** How a game stands, in words. Pure. */

import { count, number, plural, took } from "../../format.js";

/** @typedef {import("./model.js").Game} Game */

/** @param {Game} game */
export function stateWords(game) {
  const { ending, round, rounds, right, seconds, silence } = game;
  const of = rounds ? ` of ${count(rounds)}` : "";
  switch (ending) {
    case "":
      return round === 0 ? `reads the greeting${rounds ? `, then plays ${plural(rounds, "round")}` : ""}` : `plays round ${count(rounds ? Math.min(round + 1, rounds) : round + 1)}${of}`;
    case "won":
      return `won ${plural(right, "round")}, connected for ${secondsWords(seconds)}`;
    case "wrong":
      return `guessed wrong in round ${count(round)}${of}`;
    case "timeout":
      return `fell silent${silence ? ` for ${number(silence)} s` : ""}, ${round ? `in round ${count(round)}${of}` : "in the greeting"}`;
    case "left":
      return round ? `left in round ${count(round)}${of}` : "left before the first round";
    case "refused":
      return "was turned away: all places are taken";
    default:
      return `in round ${count(round)}${of} when the server ended`;
  }
}

/** 0.62 s, 12 ms, 3 min 20 s @param {number} seconds */
function secondsWords(seconds) {
  return seconds >= 1 && seconds < 60 ? `${number(seconds)} s` : took(seconds);
}

/** What the stream did to it: one sentence each. @param {Game} game @returns {string[]} */
export function streamWords({ step, glued }) {
  const said = [];
  if (step) said.push(step.round ? `Out of step after the guess of round ${count(step.round)}: recv() returned «${step.got}», not «${step.wanted}».` : `Out of step in the greeting: recv() returned «${short(step.got)}».`);
  if (glued) said.push(`In round ${count(glued.round)} the server's recv(8) returned ${plural(glued.guesses, "guess", "guesses")} at once, «${glued.got}»: taken for one.`);
  return said;
}

/** @param {string} text */
function short(text) {
  return text.length > 60 ? `…${text.slice(-58)}` : text;
}

/** The mark of an ending, beside its words: shape as well as colour. @param {Game["ending"]} ending */
export function signOf(ending) {
  return { "": "▸", won: "★", wrong: "✕", timeout: "◔", left: "◁", refused: "–", cut: "■" }[ending];
}
