/** The rows as a table, for those who read it that way: a stretch of them at a time. */

import { el, fill, one, write } from "../dom.js";
import { count } from "../format.js";
import { LOOK } from "./rung.js";
import { flagWords, markOf, numbers, timeText, wayWords } from "./words.js";

/** @typedef {import("./model.js").Row} Row */

const PAGE = 100;

/** @param {HTMLElement} element */
export function createTable(element) {
  const body = one(element, "tbody");
  const place = one(element, ".place");
  const [earlier, later] = /** @type {HTMLButtonElement[]} */ ([one(element, "[data-turn=earlier]"), one(element, "[data-turn=later]")]);
  let first = 0;
  /** @type {{rows: Row[], look: import("./rung.js").Look, limit: number}} */
  let now = { rows: [], look: LOOK, limit: Infinity };

  function draw() {
    const rows = now.rows.filter(({ n }) => n <= now.limit);
    first = Math.max(0, Math.min(first, rows.length - 1));
    first -= first % PAGE;
    const some = rows.slice(first, first + PAGE);
    fill(body, ...some.map((row) => line(row, now.look)));
    write(place, rows.length ? `${count(first + 1)} to ${count(first + some.length)} of ${count(rows.length)}` : "No packets yet");
    earlier.disabled = first === 0;
    later.disabled = first + PAGE >= rows.length;
  }
  for (const button of [earlier, later]) {
    button.addEventListener("click", () => {
      first += button === later ? PAGE : -PAGE;
      draw();
    });
  }
  return {
    /** @param {Row[]} rows @param {import("./rung.js").Look} look @param {number} limit */
    update(rows, look, limit) {
      now = { rows, look, limit };
      draw();
    },
  };
}

/** @param {Row} row @param {import("./rung.js").Look} look */
function line(row, look) {
  const hidden = row.n > look.hiddenAfter;
  const [seq, ack] = hidden ? ["?", "?"] : numbers(row, look.absolute);
  const cells = [timeText(look.since === "first" ? row.after : row.gap), wayWords(row.way), flagWords(row), row.transport === "tcp" ? seq : "", row.transport === "tcp" ? ack : "", row.length, row.window ?? "", row.client_state, row.server_state, row.marks.map((mark) => markOf(mark)[1]).join(", ")];
  return el("tr", { "data-way": row.way }, el("th", { scope: "row" }, row.n), ...cells.map((cell) => el("td", {}, cell)), el("td", { class: "wraps" }, row.message));
}
