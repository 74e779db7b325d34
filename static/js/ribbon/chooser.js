/** Which connection is shown: the newest, until one is chosen. */

import { el, write } from "../dom.js";

/** @typedef {import("./model.js").Connection} Connection */

/** @param {HTMLSelectElement} select @param {() => void} changed */
export function createChooser(select, changed) {
  /** @type {Map<string, HTMLOptionElement>} */
  const options = new Map();
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
    /** @param {Connection[]} connections the newest first @param {Connection|null} shown @param {(connection: Connection) => string} named */
    update(connections, shown, named) {
      const ids = new Set(connections.map(({ id }) => String(id)));
      for (const [id, option] of options) {
        if (ids.has(id)) continue;
        option.remove();
        options.delete(id);
      }
      let before = first;
      for (const connection of connections) {
        const id = String(connection.id);
        let option = options.get(id);
        if (!option) {
          option = el("option", { value: id });
          options.set(id, option);
          before.after(option);
        }
        write(option, named(connection));
        before = option;
      }
      write(first, shown && !select.value ? `Newest: ${named(shown)}` : "The newest connection");
      select.disabled = connections.length === 0;
    },
  };
}
