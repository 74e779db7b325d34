/** The lines that were sent, to be had again with the arrow keys. Pure. */

/** @typedef {{lines: string[], place: number, draft: string}} Past place: lines.length stands for the line being written */

const KEPT = 100;

/** @returns {Past} */
export function noPast() {
  return { lines: [], place: 0, draft: "" };
}

/** After a line was sent. @param {Past} past @param {string} line @returns {Past} */
export function remember(past, line) {
  const kept = line === "" || past.lines.at(-1) === line ? past.lines : [...past.lines, line].slice(-KEPT);
  return { lines: kept, place: kept.length, draft: "" };
}

/**
 * One line up (-1) or down (1); what was being written comes back at the end.
 * @param {Past} past @param {-1|1} step @param {string} now what stands in the input
 * @returns {{past: Past, line: string}}
 */
export function recall(past, step, now) {
  const draft = past.place === past.lines.length ? now : past.draft;
  const place = Math.min(past.lines.length, Math.max(0, past.place + step));
  return { past: { ...past, place, draft }, line: past.lines[place] ?? draft };
}
