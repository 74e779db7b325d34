/** Lists of which the newest stand last: what the page shows of them. Pure. */

/**
 * The newest that pass, newest first, and how many pass in all.
 * @template T @param {T[]} entries @param {(entry: T) => boolean} test @param {number} limit
 */
export function newest(entries, test, limit) {
  /** @type {T[]} */
  const shown = [];
  let total = 0;
  for (let place = entries.length - 1; place >= 0; place -= 1) {
    if (!test(entries[place])) continue;
    total += 1;
    if (shown.length < limit) shown.push(entries[place]);
  }
  return { shown, total };
}

/** The connections of the newest, newest first. @param {{conn: string, peer: string}[]} entries @param {number} limit */
export function connectionsOf(entries, limit) {
  /** @type {Map<string, {key: string, conn: string, peer: string, count: number}>} */
  const found = new Map();
  for (let place = entries.length - 1; place >= 0; place -= 1) {
    const { conn, peer } = entries[place];
    const key = connectionOf(entries[place]);
    const known = found.get(key);
    if (known) known.count += 1;
    else if (found.size < limit) found.set(key, { key, conn, peer, count: 1 });
  }
  return [...found.values()];
}

/** A connection's name comes again after a restart: its peer tells them apart. @param {{conn: string, peer: string}} entry */
export function connectionOf({ conn, peer }) {
  return `${conn} ${peer}`;
}
