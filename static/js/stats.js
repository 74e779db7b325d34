/** Statistics. Pure. */

/** The nearest rank. @param {number[]} sorted @param {number} share */
export function quantile(sorted, share) {
  return sorted.length ? sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] : NaN;
}
