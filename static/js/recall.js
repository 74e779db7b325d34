/** What this tab remembers of a page, so that a reload does not lose it. It is not shared, and ends with the tab. */

/** @returns {Storage|null} null where the browser keeps nothing */
function place() {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null;
  }
}

/** @param {string} name */
const keyOf = (name) => `socketlab.${globalThis.location?.pathname ?? ""}.${name}`;

/**
 * What was kept under that name on this page; else the other.
 * @template T @param {string} name @param {T} otherwise @returns {T}
 */
export function recall(name, otherwise) {
  try {
    return JSON.parse(place()?.getItem(keyOf(name)) ?? "null") ?? otherwise;
  } catch {
    return otherwise; // what stands there is not ours
  }
}

/** @param {string} name @param {unknown} value */
export function remember(name, value) {
  try {
    place()?.setItem(keyOf(name), JSON.stringify(value));
  } catch {
    // it is full: then a reload forgets
  }
}
