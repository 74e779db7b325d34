/** The store that views share: the state, and who is told when it changes. */

import { initial, reduce } from "./store.js";

/** @typedef {import("./store.js").PageState} PageState */
/** @typedef {import("./store.js").Change} Change */
/**
 * @typedef {{readonly state: PageState, dispatch(message: import("./store.js").Message): Change,
 *   subscribe(view: (state: PageState, change: Change) => void): void}} Store
 */

/** @param {import("./types.js").Instance|null} instance @returns {Store} */
export function createStore(instance) {
  let current = initial(instance);
  /** @type {((state: PageState, change: Change) => void)[]} */
  const views = [];
  return {
    get state() {
      return current;
    },
    dispatch(message) {
      const { state, change } = reduce(current, message);
      current = state;
      for (const view of views) view(state, change);
      return change;
    },
    subscribe(view) {
      views.push(view);
    },
  };
}
