/** Search in lists that are in order. Pure. */

/**
 * The first place where the test is true: it is so for all behind. The list's length if it is true for none.
 * @template T @param {ArrayLike<T>} entries @param {(entry: T) => boolean} test @param {number} [length] only so many of them
 */
export function firstWhere(entries, test, length = entries.length) {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(entries[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}
