/** One line of the ladder as an element: time, calls outside, states beside the lines, the arrow with what it carries. */

import { el, svg } from "../dom.js";
import { clock } from "../format.js";
import { flagWords, markOf, numbers, rowWords, timeText } from "./words.js";

/** @typedef {import("./model.js").Row} Row */
/** @typedef {import("./joins.js").Item} Item */
/** @typedef {{absolute: boolean, since: "first"|"before", hiddenAfter: number}} Look `hiddenAfter`: rows with a greater number keep their numbers back */

/** How a ladder begins. @type {Look} */
export const LOOK = { absolute: false, since: "first", hiddenAfter: Infinity };

/**
 * @param {Item} item @param {number} place @param {{look: Look, chosen: boolean, total: number, before: Row|null, start: number}} rest
 *   `before`: the packet before; `start`: the time of the first packet
 */
export function rungElement(item, place, { look, chosen, total, before, start }) {
  const { row } = item;
  if (!row) return callRung(item, place, start);
  const hidden = row.n > look.hiddenAfter;
  return el(
    "div", {
      class: "rung", role: "option", id: `packet-${row.n}`, "aria-selected": String(chosen), "aria-setsize": total, "aria-posinset": row.n,
      "aria-label": rowWords(row, look.absolute, hidden), "data-place": place, "data-n": row.n, "data-way": row.way,
      "data-tone": item.lost ? "bad" : row.marks.length ? markOf(row.marks[0])[2] : null, "data-mark": row.marks[0] ?? null, "data-next": row.n === look.hiddenAfter + 1 ? "" : null,
    },
    el("span", { class: "when" }, el("b", {}, row.n), el("span", { title: clock(row.t, 3) }, timeText(look.since === "first" ? row.after : row.gap))),
    outside(item, "client", row.client_state !== before?.client_state ? row.client_state : ""),
    el("span", { class: "mid" }, numberLine(row, look, hidden), wire(row, item.lost)),
    outside(item, "server", row.server_state !== before?.server_state ? row.server_state : ""),
  );
}

/** Calls that belong to no packet, or a datagram that was thrown away before it was one. @param {Item} item @param {number} place @param {number} start */
function callRung(item, place, start) {
  const { call } = item.client[0] ?? item.server[0];
  return el(
    "div", { class: "rung aside", role: "presentation", "data-place": place, "data-way": item.lost || null, "data-tone": item.lost ? "bad" : null },
    el("span", { class: "when" }, el("span", { title: clock(call.t, 3) }, start && call.t < start ? "before" : timeText(call.t - start))),
    outside(item, "client", ""),
    el("span", { class: "mid" }, item.lost && el("span", { class: "wire" }, line(item.lost, true, ""), el("span", { class: "load" }, chip("lost")))),
    outside(item, "server", ""),
  );
}

/** Beside a line: the state where it changes, and the calls. @param {Item} item @param {"client"|"server"} side @param {string} state "": no other than before */
function outside(item, side, state) {
  const calls = item[side];
  return el(
    "span", { class: `out ${side}`, "data-calls": calls.length },
    state && el("b", { class: "st", "data-state": state }, state),
    ...calls.map(({ call, causes }) => el("span", { class: "sock", "data-tie": item.row ? (causes ? "out" : "in") : "none", "data-error": call.error ? "" : null, title: `${call.words} · ${clock(call.t, 3)}` }, el("code", {}, call.words))),
  );
}

/** @param {Row} row @param {Look} look @param {boolean} hidden */
function numberLine(row, look, hidden) {
  const [seq, ack] = numbers(row, look.absolute);
  const tcp = row.transport === "tcp";
  return el(
    "span", { class: "num" },
    el("b", {}, flagWords(row)),
    tcp && el("span", {}, "seq ", el("i", { class: hidden ? "secret" : null }, hidden ? "?" : seq)),
    tcp && el("span", {}, "ack ", el("i", { class: hidden ? "secret" : null }, hidden ? "?" : ack)),
    el("span", { class: "len" }, "len ", el("i", {}, row.length)),
  );
}

/** @param {Row} row @param {import("./model.js").Way|""} lost */
function wire(row, lost) {
  const marks = row.marks.filter((mark) => mark !== "lost");
  return el(
    "span", { class: "wire" }, line(row.way, lost !== "", row.marks[0] ?? ""),
    (row.message || marks.length > 0 || lost) && el("span", { class: "load" }, ...marks.map(chip), lost && chip("lost"), row.message && el("span", { class: "message", title: row.message }, row.message)),
  );
}

/** A mark by shape, word and colour. @param {string} mark */
function chip(mark) {
  const [shape, word, tone] = markOf(mark);
  return el("span", { class: "mark", "data-tone": tone }, el("span", { "aria-hidden": "true" }, shape), ` ${word}`);
}

/** The arrow: a line that falls a little, as time goes down, and its head; a cross where it ends on the way. @param {import("./model.js").Way} way @param {boolean} lost @param {string} mark */
function line(way, lost, mark) {
  const [from, to] = way === "to_server" ? [0, 100] : [100, 0];
  const end = lost ? from + (to - from) * 0.8 : to;
  const y = lost ? 6.8 : 8;
  return el(
    "span", { class: "line", "data-way": way, "data-lost": lost ? "" : null, "data-mark": mark || null },
    svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", { d: `M${from} 2L${end} ${y}`, "vector-effect": "non-scaling-stroke" })),
    el("span", { class: "head", "aria-hidden": "true" }, lost || mark === "reset" ? "✕" : ""),
  );
}
