/** The newest tosses as a strip: a dot where the guess was right, a cross where it was wrong, heads above tails. Pure. */

export const STEP = 6;
export const HEIGHT = 18;
const HEADS = 5;
const TAILS = 13;
const ARM = 3;

/** @param {import("./model.js").Toss[]} tosses @returns {{right: string, wrong: string, gaps: string, width: number}} paths; a gap is where rounds were not told */
export function paths(tosses) {
  let right = "";
  let wrong = "";
  let gaps = "";
  let x = 0;
  let before = 0;
  for (const { round, right: good, toss } of tosses) {
    if (before && round !== before + 1) {
      x += STEP;
      gaps += `M${x - STEP / 2} 1v${HEIGHT - 2}`;
    }
    before = round;
    x += STEP;
    const y = toss === "1" ? HEADS : TAILS;
    const at = x - STEP / 2;
    if (good) right += `M${at} ${y}h.01`;
    else wrong += `M${at - ARM} ${y - ARM}l${2 * ARM} ${2 * ARM}m0 ${-2 * ARM}l${-2 * ARM} ${2 * ARM}`;
  }
  return { right, wrong, gaps, width: x + (wrong ? 2 : 0) };
}
