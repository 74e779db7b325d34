/** What is asked of the dashboard no more often than is of use. Pure. */

/**
 * Answers that are kept, the newest `most` of them; one that failed is asked for again.
 * @template T @param {number} most @param {(key: number) => Promise<T>} ask
 */
export function createAnswers(most, ask) {
  /** @type {Map<number, Promise<T>>} */
  const known = new Map();
  return {
    clear: () => known.clear(),
    /** @param {number} key @returns {Promise<T>} */
    get(key) {
      const kept = known.get(key);
      if (kept) return kept;
      const found = ask(key);
      known.set(key, found);
      found.catch(() => known.get(key) === found && known.delete(key));
      if (known.size > most) known.delete(/** @type {number} */ (known.keys().next().value));
      return found;
    },
  };
}

/** One run at a time: asked for meanwhile, it runs once more behind. @param {() => Promise<void>} work */
export function oneAtATime(work) {
  let [busy, again] = [false, false];
  return async function run() {
    again = busy;
    if (busy) return;
    busy = true;
    try {
      do {
        again = false;
        await work();
      } while (again);
    } finally {
      busy = false;
    }
  };
}
