/** Purging what is stored, asked for once: one object, or all. */

import { call } from "../../api.js";
import { ask } from "../../confirm.js";
import { say } from "../../dom.js";
import { plural } from "../../format.js";

/** True once it is done, false if the person would rather keep it. @param {string} path below /api/v1 @param {{id: number, url: string}} object */
export async function purgeOne(path, { id, url }) {
  const text = `What is stored of ${url} is lost for everyone; the next request fetches it anew.`;
  return (await ask({ title: "Purge this object?", text, yes: "Purge the object" })) && gone(`${path}/actions/purge`, { id });
}

/** The same for everything. @param {string} path below /api/v1 @param {number} kept how many there are */
export async function purgeEach(path, kept) {
  const text = `${plural(kept, "object")} in this cache are lost for everyone; the next requests fetch them anew.`;
  return (await ask({ title: "Purge the whole cache?", text, yes: `Purge ${plural(kept, "object")}` })) && gone(`${path}/actions/purge_all`, {});
}

/** @param {string} action @param {Record<string, any>} values @returns {Promise<true|Error>} */
async function gone(action, values) {
  try {
    await call("POST", action, values);
  } catch (error) {
    return /** @type {Error} */ (error);
  }
  say("Purged");
  return true;
}
