/** What became of an exchange: its mark, its colour and its words. Pure. */

/**
 * @typedef {"passed"|"recorded"|"known"|"too_large"|"hit"|"miss"|"unanswered"} Outcome as servers/tcp_replay/events.py has them
 * @typedef {{mark: string, filled: boolean, colour: string, word: string, words: string}} Look a path in a box of 16 by 16
 */

const DISC = "M8 3a5 5 0 1 0 0 10a5 5 0 1 0 0-10z";
const PLAY = "M4 2.5v11l9.5-5.5z";
const CROSS = "M3.5 3.5l9 9M12.5 3.5l-9 9";
const DIAMOND = "M8 2l6 6l-6 6l-6-6z";
const ARROW = "M2 8h11M9 4l4 4l-4 4";
const SQUARE = "M3 3h10v10h-10z";

/** @type {Record<Outcome, Look>} */
export const OUTCOMES = {
  recorded: { mark: DISC, filled: true, colour: "s1", word: "recorded", words: "It went by, and is on the tape now." },
  hit: { mark: PLAY, filled: true, colour: "good", word: "from the tape", words: "The tape answered; the target was not asked." },
  miss: { mark: CROSS, filled: false, colour: "loss", word: "not on the tape", words: "Nothing on the tape answers it." },
  passed: { mark: ARROW, filled: false, colour: "muted", word: "passed", words: "It went by, and was only watched." },
  known: { mark: DISC, filled: false, colour: "s1", word: "known", words: "It went by; the tape had its request already." },
  too_large: { mark: SQUARE, filled: false, colour: "warn", word: "too large", words: "It went by, and is too large for the tape." },
  unanswered: { mark: DIAMOND, filled: false, colour: "loss", word: "no answer", words: "The target could not be reached, or ended without a word." },
};

export const NAMES = /** @type {Outcome[]} */ (Object.keys(OUTCOMES));

/** @param {string} outcome @returns {Look} */
export function lookOf(outcome) {
  return OUTCOMES[/** @type {Outcome} */ (outcome)] ?? { mark: DISC, filled: false, colour: "muted", word: outcome, words: "" };
}
