/** Work that may wait a little. */

/**
 * What is asked for again before it was done is done once, at the soonest time that was asked for.
 * @param {() => void} work
 */
export function createSoon(work) {
  /** @type {ReturnType<typeof setTimeout>|null} */
  let timer = null;
  let due = 0;
  return (/** @type {number} */ wait) => {
    const at = Date.now() + wait;
    if (timer !== null && due <= at) return;
    if (timer !== null) clearTimeout(timer);
    due = at;
    timer = setTimeout(() => {
      timer = null;
      work();
    }, wait);
  };
}
