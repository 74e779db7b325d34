/** The picture's numbers as tables, for those who cannot see it. */

import { el, fill } from "../../dom.js";
import { clock, count, msDigits, percent } from "../../format.js";
import { span } from "./layout.js";
import { delayWords, sinceWords, STATES } from "./words.js";

const ROWS = 200;

/** @param {string} title @param {string[]} heads */
function fold(title, heads) {
  const body = el("tbody");
  const note = el("p", { class: "help" });
  const element = el(
    "details", { class: "more" }, el("summary", {}, title), note,
    el("div", { class: "scroll", tabindex: "0" }, el("table", { class: "grid" }, el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))), body)),
  );
  return { element, body, note };
}

/** @param {import("./model.js").Model} model @param {(peer: string) => string} name */
export function createTables(model, name) {
  const lanes = fold("The clients as a table", ["Client", "State", "Received", "Lost", "Lost, %", "Last delay", "Smallest", "Above it, ms", "Every"]);
  const turns = fold("What happened, as a table", ["Time", "Client", "State", "Why"]);
  let now = 0;

  function update(/** @type {number} */ at) {
    now = at;
    if (lanes.element.open) showLanes();
    if (turns.element.open) showTurns();
  }
  function showLanes() {
    fill(lanes.body, ...model.lanes().slice(0, ROWS).map((client) => el(
      "tr", { "data-status": client.state === "dead" ? "lost" : "" }, el("th", { scope: "row" }, name(client.peer)),
      ...[sinceWords(client, now), count(client.received), count(client.lost), percent(client.loss), delayWords(client.delay), delayWords(client.smallest), msDigits(client.beats.at(-1)?.above), client.interval === null ? "–" : span(client.interval)].map((value) => el("td", {}, value)),
    )));
  }
  function showTurns() {
    const rows = model.turns.slice(-ROWS).reverse().map(({ t, peer, state, why }) => el("tr", {}, el("td", {}, clock(t, 1)), el("td", {}, name(peer)), el("td", {}, STATES[state]?.[1] ?? state), el("td", { class: "words" }, why)));
    fill(turns.body, ...rows);
    turns.note.textContent = model.turns.length > ROWS ? `The newest ${ROWS} of ${count(model.turns.length)}.` : "";
  }
  for (const { element } of [lanes, turns]) element.addEventListener("toggle", () => update(now));
  return { elements: [lanes.element, turns.element], update };
}
