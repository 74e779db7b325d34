/** What a running request has printed so far: asked for while somebody looks at it. */

import { call } from "./api.js";

const EVERY_MS = 700;
/** What a program prints in answer to a line comes a moment after the answer. */
const SOON_MS = 120;

/**
 * @param {import("./keep.js").Store} store
 * @param {() => import("./types.js").Request|undefined} watched the request that is looked at, if any
 */
export function followOutput(store, watched) {
  let asking = false;

  async function look() {
    const request = watched();
    if (asking || !request || request.state !== "running" || document.hidden) return;
    asking = true;
    const found = await call("GET", `/requests/${request.id}`).catch(() => null);
    asking = false;
    // Only the text is taken: that the request has ended may have been heard in the meantime.
    const known = store.state.requests.find((entry) => entry.id === request.id);
    if (!found || known?.state !== "running" || known.output === found.output) return;
    store.dispatch({ type: "request", request: { ...known, output: found.output } });
  }

  setInterval(look, EVERY_MS);
  return () => {
    look();
    setTimeout(look, SOON_MS);
  };
}
