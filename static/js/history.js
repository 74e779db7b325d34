/** A line for each recent request. */

import { el } from "./dom.js";
import { clock } from "./format.js";
import { filled } from "./command.js";

const MARKS = { queued: "…", running: "▸", done: "✓", failed: "!", cancelled: "–" };

/**
 * @param {import("./types.js").Request} request @param {import("./types.js").Page} page
 * @param {boolean} mine @param {() => void} choose
 */
export function historyLine(request, page, mine, choose) {
  const what = filled(page.tool?.primary ?? page.lab?.view.primary ?? "Request", request.arguments);
  return el(
    "li", { "data-state": request.state },
    el(
      "button", { type: "button", class: "quiet", onclick: choose },
      el("span", { class: "mark", "aria-hidden": "true" }, MARKS[request.state]),
      el("span", { class: "when" }, clock(request.created, 0)),
      el("span", { class: "what" }, what),
      el("span", { class: "by" }, mine ? "you" : request.person),
      el("span", { class: "how" }, request.state),
    ),
  );
}
