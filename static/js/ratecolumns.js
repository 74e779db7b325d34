/** Counters as rates. Pure. */

/** @typedef {import("./types.js").Second} Second */

/**
 * Columns for the chart: times, then each counter's increase per second. A counter that fell was
 * reset by a restart and starts from zero. Pure.
 * @param {Second[]} seconds @param {string[]} names @returns {number[][]}
 */
export function rateColumns(seconds, names) {
  const columns = [/** @type {number[]} */ ([]), ...names.map(() => /** @type {number[]} */ ([]))];
  for (let place = 1; place < seconds.length; place += 1) {
    const [before, old] = seconds[place - 1];
    const [t, counters] = seconds[place];
    const span = Math.max(t - before, 0.001);
    columns[0].push(t);
    for (const [index, name] of names.entries()) {
      const rise = (counters[name] ?? 0) - (old[name] ?? 0);
      columns[index + 1].push((rise < 0 ? (counters[name] ?? 0) : rise) / span);
    }
  }
  return columns;
}
