/** Do what a person asked for. */

import { words } from "./api.js";
import { notice } from "./dom.js";

/** The page's notice says why it did not work; it is empty where it did. @param {() => Promise<any>} work */
export async function attempt(work) {
  try {
    await work();
    notice("");
  } catch (problem) {
    notice(words(problem));
  }
}
