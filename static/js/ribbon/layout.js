/** Where the ribbon's blocks stand: bytes to pixels. Pure. */

/** @typedef {import("./row.js").Row} Row */
/** @typedef {{from: number, scale: number, width: number}} View the byte at the left edge, pixels per byte, pixels */
/**
 * @typedef {{from: number, to: number, place: number, count: number, bins: {x: number, width: number, count: number}[]}} Item
 *   bytes [from, to). One call at `place`; or, too narrow to be told apart, `count` calls from there on, with how many start in each bin.
 */

/** Pixels below which a call is not drawn by itself. */
export const NARROW = 3;
const BIN = 4;
/** The most pixels a byte gets. */
export const WIDEST = 44;

/**
 * What of a row is in view. Takes time with the pixels, not with the calls: narrow ones are counted, not visited.
 * @param {Row} row @param {View} view @returns {Item[]}
 */
export function itemsOf(row, { from, scale, width }) {
  /** @type {Item[]} */
  const items = [];
  const { calls } = row;
  const end = from + width / scale;
  let place = row.first(from);
  while (place < calls.length && calls[place].offset < end) {
    const call = calls[place];
    if (call.size * scale >= NARROW) {
      items.push({ from: call.offset, to: call.offset + call.size, place, count: 1, bins: [] });
      place += 1;
    } else place = bin(items, row, place, from, scale);
  }
  return items;
}

/** Add the narrow calls of the next few pixels to the band before, or begin one. @param {Item[]} items @param {Row} row @param {number} place @param {number} from @param {number} scale */
function bin(items, row, place, from, scale) {
  const { calls } = row;
  const start = calls[place].offset;
  let [, behind] = row.between(start, start + BIN / scale);
  if (behind > place + 1 && calls[behind - 1].size * scale >= NARROW) behind -= 1;
  behind = Math.max(behind, place + 1);
  const to = calls[behind - 1].offset + calls[behind - 1].size;
  const made = { x: (start - from) * scale, width: (to - start) * scale, count: behind - place };
  const band = items.at(-1);
  if (band?.bins.length && band.to === start) {
    band.to = to;
    band.count += made.count;
    band.bins.push(made);
  } else items.push({ from: start, to, place, count: made.count, bins: [made] });
  return behind;
}

/**
 * The threads: the bytes that an item above and one below have in common.
 * @param {Item[]} above @param {Item[]} below
 */
export function threadsOf(above, below) {
  const threads = [];
  let j = 0;
  for (let i = 0; i < above.length; i += 1) {
    while (j < below.length && below[j].to <= above[i].from) j += 1;
    for (let k = j; k < below.length && below[k].from < above[i].to; k += 1) {
      threads.push({ from: Math.max(above[i].from, below[k].from), to: Math.min(above[i].to, below[k].to), above: i, below: k });
    }
  }
  return threads;
}

/** All bytes in view, none wider than WIDEST. @param {number} extent @param {number} width @returns {View} */
export function fitted(extent, width) {
  return { from: 0, scale: Math.min(WIDEST, width / Math.max(1, extent)), width };
}

/** The newest bytes at the right edge, at this scale. @param {number} extent @param {number} scale @param {number} width @returns {View} */
export function newest(extent, scale, width) {
  return { from: Math.max(0, extent - width / scale), scale, width };
}

/** As near to what was asked as the stream allows: nothing before its first byte, and its last one never out of sight. @param {View} view @param {number} extent @returns {View} */
export function held({ from, scale, width }, extent) {
  const least = Math.min(WIDEST, width / Math.max(1, extent));
  const kept = Math.min(WIDEST, Math.max(least, scale));
  return { from: Math.max(0, Math.min(from, extent - width / kept)), scale: kept, width };
}

/** Nearer or farther by `factor`; the byte at pixel `x` stays there. @param {View} view @param {number} factor @param {number} x @param {number} extent */
export function zoomed(view, factor, x, extent) {
  const { scale } = held({ ...view, scale: view.scale * factor }, extent);
  return held({ from: view.from + x / view.scale - x / scale, scale, width: view.width }, extent);
}

/** Offsets for the axis: round numbers at least `apart` pixels apart. @param {View} view @param {number} apart */
export function ticksOf({ from, scale, width }, apart) {
  const least = Math.max(1, apart / scale);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= least && Number.isInteger(value)) ?? 10 * power;
  const ticks = [];
  for (let at = Math.ceil(from / step) * step; at <= from + width / scale; at += step) ticks.push(at);
  return ticks;
}
