/** Where sends and reads meet: which were joined, which were cut. Pure. */

/** @typedef {import("./row.js").Row} Row */
/**
 * @typedef {{sends: [number, number], reads: [number, number], from: number, to: number, known: boolean, open: boolean}} Meeting
 *   calls of both rows that share their first and their last byte; places as [first, behind the last]. Not `known`: a gap is in it.
 *   `open`: the rest of it has not been read yet.
 */

/**
 * All meetings in order. Two ends do not share call edges, only bytes: a meeting is the shortest run of bytes
 * whose both edges are edges of a send and of a read.
 * @param {Row} upper @param {Row} lower @param {(meeting: Meeting) => void} visit
 */
export function eachMeeting(upper, lower, visit) {
  const [a, b] = [upper.calls, lower.calls];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (end(a[i]) <= b[j].offset) i += 1;
    else if (end(b[j]) <= a[i].offset) j += 1;
    else {
      const meeting = meet(a, b, i, j);
      visit(meeting);
      i = meeting.sends[1];
      j = meeting.reads[1];
    }
  }
}

/** @param {import("./row.js").Call[]} a @param {import("./row.js").Call[]} b @param {number} i @param {number} j @returns {Meeting} */
function meet(a, b, i, j) {
  const [firstA, firstB] = [i, j];
  let known = a[i].offset === b[j].offset;
  let open = false;
  while (end(a[i]) !== end(b[j])) {
    const [calls, place] = end(a[i]) < end(b[j]) ? [a, i + 1] : [b, j + 1];
    if (place >= calls.length) {
      open = true;
      break;
    }
    if (calls[place].offset !== end(calls[place - 1])) {
      known = false;
      break;
    }
    if (calls === a) i = place;
    else j = place;
  }
  const from = Math.min(a[firstA].offset, b[firstB].offset);
  return { sends: [firstA, i + 1], reads: [firstB, j + 1], from, to: Math.max(end(a[i]), end(b[j])), known, open };
}

/** @param {import("./row.js").Call} call */
function end(call) {
  return call.offset + call.size;
}

/**
 * How many meetings there were of so many sends and so many reads, the commonest first; one to one is `even`.
 * @param {Row} upper @param {Row} lower
 */
export function tally(upper, lower) {
  /** @type {Map<string, {sends: number, reads: number, times: number}>} */
  const found = new Map();
  let even = 0;
  eachMeeting(upper, lower, ({ sends, reads, known, open }) => {
    if (!known || open) return;
    const [m, n] = [sends[1] - sends[0], reads[1] - reads[0]];
    if (m === 1 && n === 1) even += 1;
    else {
      const key = `${m} ${n}`;
      const entry = found.get(key) ?? { sends: m, reads: n, times: 0 };
      entry.times += 1;
      found.set(key, entry);
    }
  });
  return { even, uneven: [...found.values()].sort((a, b) => b.times - a.times) };
}

/** How many calls of `other` a call shares bytes with; 0: not all of them are known. @param {import("./row.js").Call} call @param {Row} other */
export function shared(call, other) {
  if (!other.whole(call.offset, call.offset + call.size)) return 0;
  const [from, to] = other.between(call.offset, call.offset + call.size);
  return to - from;
}
