/** The legend, which is also the filter: a line per client with its numbers. */

import { COLOURS } from "../../chartbase.js";
import { el, fill, svg, write } from "../../dom.js";
import { count, milliseconds, percent } from "../../format.js";
import { personOf } from "../../people.js";
import { shown } from "./model.js";

/** @typedef {import("./model.js").Client} Client */

const SHAPES = [
  { tag: "circle", cx: 8, cy: 8, r: 4.5 }, { tag: "rect", x: 3.8, y: 3.8, width: 8.4, height: 8.4 },
  { tag: "path", d: "M8 2.6 13 12H3z" }, { tag: "path", d: "M8 2 14 8 8 14 2 8z" },
  { tag: "path", d: "M8 13.4 13 4H3z" }, { tag: "rect", x: 6, y: 2, width: 4, height: 12 },
];

/** The client's mark. @param {number} index */
export function swatch(index) {
  const { tag, ...shape } = SHAPES[(index + Math.floor(index / 6)) % SHAPES.length];
  return svg("svg", { viewBox: "0 0 16 16", class: "swatch", "aria-hidden": "true" }, svg(tag, { ...shape, fill: COLOURS[index % COLOURS.length] }));
}

/** @param {HTMLElement} element @param {import("../../keep.js").Store} store @param {() => void} changed */
export function createLegend(element, store, changed) {
  /** @type {Set<string>} */
  const hidden = new Set();
  const body = el("tbody");
  const heads = ["Client", "Pings", "Lost", "Loss", "Average round trip"];
  const table = el("table", { class: "grid clients" }, el("caption", { class: "unseen" }, "Clients: press a name to hide or show it"), el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))), body);
  fill(element, table);
  /** @type {Map<string, {row: HTMLTableRowElement, button: HTMLElement, name: HTMLElement, note: HTMLElement, cells: HTMLElement[]}>} */
  const rows = new Map();

  /** A port may come again for another client. @param {Client} client */
  const keyOf = (client) => `${client.peer}#${client.index}`;

  /** @param {Client} client */
  function make(client) {
    const key = keyOf(client);
    const seen = !hidden.has(key);
    const name = el("span", { class: "name" });
    const note = el("small", {});
    const button = el("button", { type: "button", class: "quiet", "aria-pressed": String(seen), title: "Hide or show" }, swatch(client.index), name);
    button.addEventListener("click", () => {
      if (!hidden.delete(key)) hidden.add(key);
      button.setAttribute("aria-pressed", String(!hidden.has(key)));
      row.classList.toggle("off", hidden.has(key));
      changed();
    });
    const cells = heads.slice(1).map(() => el("td"));
    const row = el("tr", { "data-peer": client.peer, class: seen ? "" : "off" }, el("th", { scope: "row" }, button, note), ...cells);
    return { row, button, name, note, cells };
  }

  /** @param {Iterable<Client>} clients */
  function update(clients) {
    const list = [...clients].filter((client) => shown(client).length).sort((a, b) => a.index - b.index);
    for (const [key, line] of rows) {
      if (list.some((client) => keyOf(client) === key)) continue;
      line.row.remove();
      rows.delete(key);
    }
    for (const client of list) {
      const key = keyOf(client);
      let line = rows.get(key);
      if (!line) {
        line = make(client);
        rows.set(key, line);
        body.prepend(line.row);
      }
      const person = personOf(store.state, client.peer);
      write(line.name, person || client.peer);
      write(line.note, [person && client.peer, client.own ? "" : foreign(client)].filter(Boolean).join(" · "));
      const { sent, lost, percent: loss, average } = shown(client).totals();
      const values = [count(client.own ? sent : client.tally.arrived), count(lost), percent(loss), client.own ? milliseconds(average) : "known to it alone"];
      for (const [place, value] of values.entries()) write(line.cells[place], value);
    }
    element.hidden = list.length === 0;
  }

  return { update, isHidden: (/** @type {Client} */ client) => hidden.has(keyOf(client)) };
}

/** What the server sees of a student's program. @param {Client} client */
function foreign(client) {
  const { gaps } = client.tally;
  return `own program${gaps ? `, ${count(gaps)} never arrived` : ""}`;
}
