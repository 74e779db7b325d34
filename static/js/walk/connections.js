/** The list of connections: the newest on top and followed, until one is chosen. */

import { el, write } from "../dom.js";
import { clock, plural } from "../format.js";
import { bytesWords, passes, sourceWords, stateWords } from "./words.js";

/** @typedef {import("./model.js").Connection} Connection */

/** @param {{list: HTMLElement, filter: HTMLInputElement, newest: HTMLButtonElement, count: HTMLElement, held: () => boolean}} parts `held`: the shown one stays, though others come @param {(connection: Connection|null) => void} show */
export function createConnections({ list, filter, newest, count, held }, show) {
  /** @type {Connection[]} */
  let known = [];
  /** @type {Map<string, string>} */
  let names = new Map();
  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();
  let chosen = ""; // "": the newest is followed
  let shown = "";
  let wish = ""; // to be chosen as soon as it is there

  function current() {
    const kept = known.find(({ id }) => id === (chosen || (held() ? shown : "")));
    return kept ?? known.find((connection) => passes(connection, filter.value)) ?? null;
  }

  function draw() {
    const wanted = known.filter((connection) => passes(connection, filter.value));
    const ids = new Set(wanted.map(({ id }) => id));
    const stop = ids.has(shown) ? shown : wanted[0]?.id; // one stop for the Tab key, whose arrows go through all
    for (const [id, button] of buttons) {
      if (ids.has(id)) continue;
      button.remove();
      buttons.delete(id);
    }
    /** @type {HTMLElement|null} */
    let before = null;
    for (const connection of wanted) {
      let button = buttons.get(connection.id);
      if (!button) {
        button = makeButton(connection.id);
        buttons.set(connection.id, button);
      }
      tell(button, connection);
      button.tabIndex = connection.id === stop ? 0 : -1;
      if (before ? before.nextElementSibling !== button : list.firstElementChild !== button) before ? before.after(button) : list.prepend(button);
      before = button;
    }
    newest.setAttribute("aria-pressed", String(!chosen));
    write(count, known.length ? (wanted.length < known.length ? `${wanted.length} of ${known.length}` : String(known.length)) : "");
  }

  /** @param {string} id */
  function makeButton(id) {
    const part = (/** @type {string} */ name) => el("span", { class: name });
    return el("button", { type: "button", class: "connection", "data-id": id, onclick: () => choose(id) }, part("cname"), part("where"), part("how"), part("what"));
  }

  /** @param {HTMLButtonElement} button @param {Connection} connection */
  function tell(button, connection) {
    const [who, where, how, what] = /** @type {HTMLElement[]} */ ([...button.children]);
    write(who, connection.person || connection.client);
    write(where, [connection.person && connection.client, nameOf(connection)].filter(Boolean).join(" · "));
    write(how, stateWords(connection));
    write(what, `${plural(connection.packets, "packet")} · ${bytesWords(connection)}`);
    button.dataset.source = connection.source;
    button.title = `${connection.client} → ${connection.server}, ${clock(connection.started)}, ${sourceWords(connection.source, nameOf(connection), connection.transport)}${connection.note ? `. ${connection.note}` : ""}`;
    button.setAttribute("aria-current", String(connection.id === shown));
  }

  /** The upload's name. @param {Connection} connection */
  const nameOf = ({ id }) => names.get(id.split("-")[0]) ?? "";

  /** @param {string} id "": follow the newest */
  function choose(id) {
    chosen = id;
    wish = "";
    look(true);
  }
  /** @param {boolean} [told] it was wished: the newest comes even if another is held */
  function look(told = false) {
    if (told && !chosen) shown = "";
    if (wish && known.some(({ id }) => id === wish)) [chosen, wish] = [wish, ""];
    const next = current();
    const other = (next?.id ?? "") !== shown;
    shown = next?.id ?? "";
    draw();
    if (other) show(next);
  }

  filter.addEventListener("input", () => look());
  newest.addEventListener("click", () => choose(chosen || held() ? "" : shown));
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !(event.target instanceof HTMLElement)) return;
    const other = step > 0 ? event.target.nextElementSibling : event.target.previousElementSibling;
    event.preventDefault();
    if (other instanceof HTMLElement) other.focus();
  });

  return {
    /** @param {Connection[]} connections newest first @param {Map<string, string>} uploads names by id */
    update(connections, uploads) {
      [known, names] = [connections, uploads];
      if (chosen && !known.some(({ id }) => id === chosen)) chosen = "";
      look();
    },
    /** Choose it now, or as soon as it is known. @param {string} id */
    want(id) {
      wish = id;
      look();
    },
    choose, nameOf,
    get followed() { return !chosen; },
    get all() { return known; },
  };
}
