/** Keys and presses on the ladder. */

/** A step of a page, whatever its size. */
export const PAGE = 1e6;
const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE, Home: -Infinity, End: Infinity };

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
