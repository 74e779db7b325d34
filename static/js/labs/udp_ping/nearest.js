/** The ping under the pointer. */

import { shown } from "./model.js";
import { firstAtLeast, STATUS } from "./columns.js";
import { stripY } from "./draw.js";

/** @typedef {import("./model.js").Client} Client */
/** @typedef {{client: Client, seq: number|null, status: string, t: number, rtt: number}} Found */

const REACH = 24;

/** @param {import("uplot")} u @param {Client[]} clients @param {number} left @param {number} top @returns {Found|null} */
export function nearest(u, clients, left, top) {
  const t0 = u.posToVal(left - REACH, "x");
  const t1 = u.posToVal(left + REACH, "x");
  const strip = stripY(u) / (devicePixelRatio || 1) - u.bbox.top / (devicePixelRatio || 1);
  /** @type {Found|null} */
  let best = null;
  let distance = REACH * REACH;
  for (const client of clients) {
    const { key, t, rtt, status, length } = shown(client);
    for (let i = firstAtLeast(t, length, t0); i < length && t[i] <= t1; i += 1) {
      const dx = u.valToPos(t[i], "x") - left;
      const dy = (Number.isNaN(rtt[i]) ? strip : u.valToPos(rtt[i], "y")) - top;
      if (dx * dx + dy * dy >= distance) continue;
      distance = dx * dx + dy * dy;
      best = { client, seq: client.own ? key[i] : client.seqs[i], status: STATUS[status[i]], t: t[i], rtt: rtt[i] };
    }
  }
  return best;
}

const WORDS = {
  reply: "answered", late: "late, counts as lost", timeout: "lost: no reply in time", corrupt: "garbled, counts as lost",
  duplicate: "one more reply", answered: "answered by the server", lost_to_server: "lost on the way to the server",
  lost_to_client: "lost on the way back",
};

/** A status in words; of a lost ping where, if the server told. @param {string} status @param {string} [why] */
export function statusWords(status, why) {
  const words = /** @type {Record<string, string>} */ (WORDS);
  return status === "timeout" && why ? words[why] : (words[status] ?? status);
}
