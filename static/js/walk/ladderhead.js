/** What stays on top of the ladder: both ends, and their states where the view begins. */

import { el, one, write } from "../dom.js";

/** @typedef {import("./model.js").Row} Row */

export function createHead() {
  const element = el(
    "div", { class: "rung heads", role: "presentation" },
    el("span", { class: "when" }), el("span", { class: "end client" }, el("b", {}, "Client"), el("code", {}), el("span", { class: "now" })),
    el("span", { class: "end server" }, el("span", { class: "now" }), el("code", {}), el("b", {}, "Server")),
  );
  return {
    element,
    /** @param {{client: string, server: string}|null} connection */
    name(connection) {
      write(one(element, ".client code"), connection?.client ?? "");
      write(one(element, ".server code"), connection?.server ?? "");
    },
    /**
     * The states before that line: after the last packet above it, or as both machines begin.
     * @param {import("./joins.js").Item[]} items @param {number} line @param {Row|undefined} first packet
     */
    show(items, line, first) {
      let place = line - 1;
      while (place >= 0 && !items[place].row) place -= 1;
      const row = place >= 0 ? items[place].row : null;
      const fresh = first?.flags.includes("SYN") && !first.flags.includes("ACK");
      const states = { client: row ? row.client_state : fresh ? "CLOSED" : "", server: row ? row.server_state : fresh ? "LISTEN" : "" };
      for (const [side, state] of Object.entries(states)) {
        const now = one(element, `.${side} .now`);
        write(now, state);
        now.hidden = !state;
      }
    },
  };
}
