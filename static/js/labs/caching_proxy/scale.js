/** The chart's logarithmic axis, and where its labels stand. Pure. */

/** @typedef {{ms: number}} Timed */

/** The least time that a logarithmic axis can show, in ms. */
export const LEAST = 0.001;

/** A request's time as it is drawn. @param {Timed} entry */
export function height({ ms }) {
  return Math.max(LEAST, ms);
}

/**
 * Ticks of a logarithmic axis: 1, 10, 100, and where there is room 2 and 5 as well.
 * @param {number} low @param {number} high both above 0
 */
export function ticks(low, high) {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const steps = last - first <= 3 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = first; power <= last; power += 1) for (const step of steps) found.push(Number((step * 10 ** power).toPrecision(1)));
  return found.filter((value) => value >= low * 0.999 && value <= high * 1.001);
}

/** From where to where the axis goes: at least a decade. @param {Timed[]} entries @returns {[number, number]} */
export function reach(entries) {
  let low = Infinity;
  let high = 0;
  for (const entry of entries) {
    low = Math.min(low, height(entry));
    high = Math.max(high, height(entry));
  }
  if (!high) return [0.1, 100];
  const middle = Math.sqrt(low * high);
  return [Math.min(low / 1.5, middle / 3.2), Math.max(high * 1.5, middle * 3.2)];
}

/**
 * Where labels stand so that none covers another: at their lines or pushed up, inside the plot.
 * @param {number[]} wanted the bottoms, from above @param {number} room @param {number} least @param {number} most
 */
export function placesOf(wanted, room, least, most) {
  const order = [...wanted.keys()].sort((a, b) => wanted[b] - wanted[a]);
  const found = [...wanted];
  let below = most + room;
  for (const place of order) {
    found[place] = Math.max(least, Math.min(wanted[place], below - room));
    below = found[place];
  }
  return found;
}

/** How long a bar is beside another, of the whole width: the longer of both fills it. @param {number} ms @param {number} other */
export function share(ms, other) {
  return ms / Math.max(ms, other, 1e-9);
}
