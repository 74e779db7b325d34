/** Simulated clients of one's own: the open session, orders to it, and a quick way to open one. */

import { call } from "../../api.js";
import { attempt } from "../../attempt.js";
import { isMine } from "../../command.js";
import { byId, el, fill } from "../../dom.js";

/** One's own open session with clients by hand. @param {import("../../keep.js").PageState} state @param {import("../../types.js").Page} page */
export function sessionOf(state, page) {
  return state.requests.find((request) => request.session && request.state === "running" && isMine(request, page))?.id ?? "";
}

/** @param {string} session @param {string} text */
export async function order(session, text) {
  await attempt(() => call("POST", `/requests/${session}/input`, { text }));
}

/** Fill in the form for three clients by hand, and send it. */
export function startByHand() {
  const form = byId("request");
  const set = (/** @type {string} */ name, /** @type {(input: HTMLInputElement) => void} */ change) => {
    const input = document.getElementById(`request-${name}`);
    if (input instanceof HTMLInputElement) change(input);
  };
  set("by_hand", (input) => (input.checked = true));
  set("clients", (input) => (input.value = "3"));
  form.dispatchEvent(new Event("input", { bubbles: true }));
  byId("send").click();
}

/** How the clients stand, below the session's line. @param {HTMLElement} element @param {any} answer */
export function sessionAnswer(element, answer) {
  if (!Array.isArray(answer?.clients)) return;
  const rows = answer.clients.map((/** @type {any} */ row) => el("tr", {}, el("th", { scope: "row" }, `client ${row.client}`), el("td", {}, row.does), el("td", {}, row.seq), el("td", {}, `${row.interval} s`)));
  const heads = ["Client", "It", "Last SEQ", "Every"].map((head) => el("th", { scope: "col" }, head));
  fill(element, answer.note && el("p", {}, answer.note), el("table", { class: "grid" }, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)));
}
