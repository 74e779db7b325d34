/** All calls of a connection as a table, the newest first: for screen readers, and to copy from. */

import { el, fill } from "../dom.js";
import { clock, count } from "../format.js";
import { ENDS } from "./model.js";
import { headOf, numberOf, tagOf, textOf } from "./words.js";

/** @typedef {import("./words.js").Level} Level */
/** @typedef {import("./model.js").Way} Way */

export const ROWS = 500;
const TEXT = 60;

/** The newest calls of both ends, both ways. Pure. @param {import("./model.js").Connection} connection @param {number} limit */
export function newestCalls(connection, limit) {
  const found = [];
  for (const way of /** @type {Way[]} */ (["to_server", "to_client"])) {
    for (const level of /** @type {Level[]} */ (["upper", "lower"])) {
      for (const call of connection.ways[way][level].calls.slice(-limit)) found.push({ way, level, call });
    }
  }
  return found.sort((a, b) => b.call.t - a.call.t || b.call.number - a.call.number).slice(0, limit);
}

/** @param {HTMLElement} body @param {import("./model.js").Connection|null} connection */
export function fillTable(body, connection) {
  const found = connection ? newestCalls(connection, ROWS) : [];
  fill(body, ...found.map(({ way, level, call }) => el(
    "tr", { "data-way": way }, el("td", {}, clock(call.t)), el("td", {}, ENDS[way][level === "upper" ? 0 : 1]),
    el("td", {}, `${level === "upper" ? "send()" : call.asked ? `recv(${call.asked})` : "recv()"} ${numberOf(call)}`),
    el("td", {}, way === "to_server" ? "→ server" : "← client"), el("td", {}, count(call.offset)), el("td", {}, count(call.size)),
    el("td", {}, connection ? tagOf(call, level, connection.ways[way]) : ""),
    el("td", { class: "bytesline" }, textOf(headOf(call).subarray(0, TEXT), call.size)),
  )));
}
