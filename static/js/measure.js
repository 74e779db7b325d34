/** How long drawing takes, for benchmarks to read. */

const MEASURES = 10_000;
/** How often each was measured. @type {Map<string, number>} */
const measured = new Map();

/** Let it be read how long it took since `start`. The browser keeps measures for ever: they go in time. @param {string} name @param {number} start */
export function measure(name, start) {
  const before = measured.get(name) ?? 0;
  if (before % MEASURES === 0) performance.clearMeasures(name);
  measured.set(name, before + 1);
  performance.measure(name, { start });
}
