/**
 * The traffic log's filter: `peer:127.0.0.1 kind:dropped -way:to_client "two words"`. Pure.
 *
 * Every term must hold; a `-` before it means it must not. Between values a comma means or.
 */

/** @typedef {import("./types.js").Event} Event */
/** @typedef {{key: string, values: string[], not: boolean}} Term */

const KEYS = ["peer", "kind", "way", "request", "n", "conn"];

/** @param {string} text @returns {Term[]} */
export function parseFilter(text) {
  const terms = [];
  for (const match of text.matchAll(/(-?)(?:([a-z]+):)?(?:"([^"]*)"?|(\S+))/gi)) {
    const word = match[3] ?? match[4];
    let key = (match[2] ?? "").toLowerCase();
    let value = word.toLowerCase();
    if (!key && KEYS.includes(value.slice(0, -1)) && value.endsWith(":")) continue; // still being typed
    if (key && !KEYS.includes(key)) {
      value = `${key}:${value}`;
      key = "";
    }
    const quoted = match[3] !== undefined;
    const values = (key && !quoted ? value.split(",") : [value]).filter(Boolean);
    if (values.length) terms.push({ key, values, not: match[1] === "-" });
  }
  return terms;
}

/**
 * Whether an event passes.
 * @param {Term[]} terms @param {Event} event
 * @param {string} [person] who the peer is, if known: `peer:ana` finds it
 */
export function passes(terms, event, person = "") {
  return terms.every((term) => term.values.some((value) => holds(term.key, value, event, person)) !== term.not);
}

/** @param {string} key @param {string} value @param {Event} event @param {string} person */
function holds(key, value, event, person) {
  switch (key) {
    case "n":
      return inRange(value, event.n);
    case "request":
      return (event.request ?? "").toLowerCase() === value;
    case "peer":
      return has(event.peer, value) || has(person, value);
    case "kind":
    case "way":
    case "conn":
      return has(event[key], value);
    default:
      return [event.text, event.kind, event.peer, event.request, person].some((text) => has(text, value));
  }
}

/** @param {string|undefined} text @param {string} value */
function has(text, value) {
  return text !== undefined && text.toLowerCase().includes(value);
}

/** `5`, `5-9`, `5-` or `-9`. @param {string} value @param {number} n */
function inRange(value, n) {
  const match = /^(\d*)(-?)(\d*)$/.exec(value);
  if (!match || (!match[1] && !match[3])) return false;
  if (!match[2]) return n === Number(match[1]);
  return n >= Number(match[1] || 0) && n <= Number(match[3] || Infinity);
}
