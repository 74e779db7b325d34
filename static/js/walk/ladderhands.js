/** Keys and presses on the ladder; and how long it takes to draw. */

/** A step of a page, whatever its size. */
export const PAGE = 1e6;
const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE, Home: -Infinity, End: Infinity };
const MEASURES = 10_000;
let measured = 0;

/**
 * @param {HTMLElement} box
 * @param {{choose: (n: number, told: boolean) => void, release: () => void, move: (by: number) => void, readonly chosen: number}} ladder `move`: so many packets on
 */
export function tieHands(box, ladder) {
  box.addEventListener("click", (event) => {
    const line = /** @type {HTMLElement} */ (event.target).closest("[data-n]");
    if (line instanceof HTMLElement) ladder.choose(Number(line.dataset.n), true);
  });
  box.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const by = STEPS[/** @type {keyof typeof STEPS} */ (event.key)];
    if (by) ladder.move(by);
    else if (event.key === "Escape" && ladder.chosen) ladder.release();
    else return;
    event.preventDefault();
  });
}

/** Let a benchmark read how long it took. The browser keeps measures for ever: they go in time. @param {string} name @param {number} start */
export function measure(name, start) {
  if (measured % MEASURES === 0) performance.clearMeasures(name);
  measured += 1;
  performance.measure(name, { start });
}
