/** The verdicts: a shape, a colour and words for each, and how far such a request went. Pure. */

/**
 * @typedef {"HIT"|"MISS"|"REVALIDATED"|"EXPIRED"|"STALE"|"COLLAPSED"|"BYPASS"|"TUNNEL"|"REFUSED"|"FAILED"} Verdict
 * @typedef {"not asked"|"answered"|"confirmed"|"shared"|"tunnel"|"failed"} Far what the origin had to do with it
 * @typedef {{mark: string, filled: boolean, colour: string, far: Far, short: string, words: string}} Look
 *   `mark` is a path in a box of 16 by 16, `colour` a custom property
 */

const RING = "M13 8A5 5 0 1 1 3 8A5 5 0 1 1 13 8Z";
const SQUARE = "M3.5 3.5h9v9h-9Z";

/** @type {Record<Verdict, Look>} */
export const VERDICTS = {
  HIT: {
    mark: RING, filled: true, colour: "good", far: "not asked", short: "from the cache",
    words: "It was in the cache and still fresh. The proxy answered by itself; the origin knows nothing of this request.",
  },
  STALE: {
    mark: RING, filled: false, colour: "warn", far: "not asked", short: "from the cache, too old",
    words: "It was in the cache, but too old. The proxy used it all the same, because it was allowed to.",
  },
  REVALIDATED: {
    mark: "M8 2.5 13.8 12.8H2.2Z", filled: true, colour: "s5", far: "confirmed", short: "asked, still good",
    words: "It was in the cache, but too old to be used unasked. The proxy asked the origin whether it still holds; 304 Not Modified said yes, and no body had to travel.",
  },
  MISS: {
    mark: SQUARE, filled: true, colour: "s1", far: "answered", short: "fetched",
    words: "It was not in the cache. The proxy fetched it from the origin and passed it on.",
  },
  EXPIRED: {
    mark: SQUARE, filled: false, colour: "s1", far: "answered", short: "too old, fetched anew",
    words: "It was in the cache, but too old. The proxy asked the origin, and the origin sent a new one.",
  },
  COLLAPSED: {
    mark: "M8 8A3 3 0 1 1 2 8A3 3 0 1 1 8 8ZM14 8A3 3 0 1 1 8 8A3 3 0 1 1 14 8Z", filled: true, colour: "s1", far: "shared", short: "shared a fetch",
    words: "Somebody else was just fetching it. Both were answered by that one fetch; the origin was asked once.",
  },
  BYPASS: {
    mark: "M8 1.8 14.2 8 8 14.2 1.8 8Z", filled: false, colour: "muted", far: "answered", short: "past the cache",
    words: "The cache was not asked: the proxy only passed the request on.",
  },
  TUNNEL: {
    mark: "M1.5 5H14.5M1.5 11H14.5", filled: false, colour: "muted", far: "tunnel", short: "a tunnel",
    words: "CONNECT: the proxy passes bytes on in both ways. With TLS inside it can read none of them, so nothing can be cached.",
  },
  REFUSED: {
    mark: `${RING}M4.5 11.5 11.5 4.5`, filled: false, colour: "loss", far: "not asked", short: "refused",
    words: "The proxy refused: what was asked for is not allowed, or could not be read. The origin was not asked.",
  },
  FAILED: {
    mark: "M3.5 3.5 12.5 12.5M12.5 3.5 3.5 12.5", filled: false, colour: "loss", far: "failed", short: "no answer to be had",
    words: "The origin could not be reached, was silent, or sent what is no HTTP.",
  },
};

export const NAMES = /** @type {Verdict[]} */ (Object.keys(VERDICTS));

/** @param {string} verdict @returns {Look} */
export function lookOf(verdict) {
  return VERDICTS[/** @type {Verdict} */ (verdict)] ?? VERDICTS.BYPASS;
}
