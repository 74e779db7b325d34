/** Who is behind an address. Pure. */

import { host } from "./format.js";

/**
 * The name of the person whose program has this address; "" if nobody known.
 * A test request's client is known by its request, a student's own program by its machine.
 * @param {import("./store.js").PageState} state @param {string|undefined} peer
 */
export function personOf(state, peer) {
  if (!peer) return "";
  const id = state.owners.get(peer);
  const request = id && state.requests.find((entry) => entry.id === id);
  return (request && request.person) || state.people[host(peer)] || "";
}
