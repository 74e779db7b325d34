/** Which connection is shown: the newest, until one is chosen. They stand in a group for each person. */

import { el, write } from "../dom.js";

/** @typedef {import("./model.js").Connection} Connection */

/** @param {HTMLSelectElement} select @param {() => void} changed */
export function createChooser(select, changed) {
  /** @type {Map<string, HTMLOptionElement>} */
  const options = new Map();
  /** By whose they are. @type {Map<string, HTMLOptGroupElement>} */
  const groups = new Map();
  const first = el("option", { value: "" }, "The newest connection");
  select.replaceChildren(first);
  select.addEventListener("change", changed);
  return {
    /** The chosen one's id; 0: the newest is followed. */
    get chosen() { return Number(select.value) || 0; },
    follow() {
      select.value = "";
    },
    /** @param {number} id */
    choose(id) {
      if (options.has(String(id))) select.value = String(id);
    },
    /** @param {Connection[]} connections the newest first @param {Connection|null} shown @param {(connection: Connection, timed?: boolean) => string} named @param {(connection: Connection) => string} owner */
    update(connections, shown, named, owner) {
      const value = select.value;
      const ids = new Set(connections.map(({ id }) => String(id)));
      for (const [id, option] of options) {
        if (ids.has(id)) continue;
        option.remove();
        options.delete(id);
      }
      /** The last one in each group; the groups in the order of their newest. @type {Map<string, HTMLOptionElement>} */
      const ends = new Map();
      /** @type {Element} */
      let before = first;
      for (const connection of connections) {
        const id = String(connection.id);
        const option = options.get(id) ?? el("option", { value: id });
        options.set(id, option);
        write(option, named(connection));
        const whose = owner(connection);
        const group = groups.get(whose) ?? el("optgroup", { label: whose });
        groups.set(whose, group);
        const last = ends.get(whose);
        if (!last) before = behind(before, group);
        if (last) behind(last, option);
        else if (group.firstElementChild !== option) group.prepend(option);
        ends.set(whose, option);
      }
      for (const [whose, group] of groups) {
        if (ends.has(whose)) continue;
        group.remove();
        groups.delete(whose);
      }
      if (select.value !== value && options.has(value)) select.value = value; // its place has changed
      write(first, shown && !select.value ? `Newest: ${named(shown, false)}` : "The newest connection");
      select.disabled = connections.length === 0;
    },
  };
}

/** @param {Element} before @param {Element} element to stand right behind it */
function behind(before, element) {
  if (before.nextElementSibling !== element) before.after(element);
  return element;
}
