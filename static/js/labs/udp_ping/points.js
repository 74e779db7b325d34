/** The chart's points as a table, for those who cannot see the chart. */

import { el, fill } from "../../dom.js";
import { clock, count, msDigits } from "../../format.js";
import { statusWords } from "./nearest.js";

const ROWS = 300;

/** @param {import("./model.js").Model} model @param {(peer: string) => string} name */
export function createPoints(model, name) {
  const body = el("tbody");
  const note = el("p", { class: "help" });
  const heads = ["Time", "Client", "Ping", "What became of it", "Round trip, ms"];
  const fold = el(
    "details", { class: "more" }, el("summary", {}, "The points as a table"), note,
    el("div", { class: "scroll", tabindex: "0" }, el("table", { class: "grid" }, el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))), body)),
  );
  function update() {
    if (!fold.open) return;
    const points = model.points().sort((a, b) => b.t - a.t);
    const rows = points.slice(0, ROWS).map(({ peer, seq, status, t, rtt_ms: rtt }) => {
      const why = seq === null ? undefined : model.clients.get(peer)?.why.get(seq);
      return el("tr", { "data-status": status }, el("td", {}, clock(t)), el("td", {}, name(peer)), el("td", {}, seq ?? "–"), el("td", {}, statusWords(status, why)), el("td", {}, msDigits(rtt)));
    });
    fill(body, ...rows);
    note.textContent = points.length > ROWS ? `The newest ${ROWS} of ${count(points.length)}.` : "";
  }
  fold.addEventListener("toggle", update);
  return { element: fold, update };
}
