/** A game by hand: two large buttons, the keys 0 and 1, and what came last. */

import { call, words as said } from "../../api.js";
import { isMine } from "../../command.js";
import { el, fill, write } from "../../dom.js";
import { count } from "../../format.js";
import { turnView } from "./turn.js";

/** @typedef {import("./turn.js").Turn} Turn */

/** Who wants to know of an answer, wherever it was asked for. @type {((turn: Turn) => void)|null} */
let listener = null;

/** What came of a guess, in the results. @param {HTMLElement} element @param {Turn} turn */
export function sessionAnswer(element, turn) {
  fill(element, turnView(turn));
  listener?.(turn);
}

/** @param {import("../../keep.js").Store} store @param {import("../../types.js").Page} page */
export function createHand(store, page) {
  const title = el("h3", {}, "Your game");
  const state = el("p", { class: "handstate", role: "status" });
  const tails = el("button", { type: "button", class: "coinside", "data-side": "0", onclick: () => guess("0") }, el("b", {}, "0"), "tails");
  const heads = el("button", { type: "button", class: "coinside", "data-side": "1", onclick: () => guess("1") }, el("b", {}, "1"), "heads");
  const seed = el("button", { type: "button", class: "quiet seed", onclick: () => guess("s") }, "What does the seed say? (s)");
  const problem = el("p", { class: "error", role: "alert", hidden: true });
  const last = el("div", { class: "lastturn" });
  const element = el("section", { class: "byhandgame", hidden: true, "aria-label": "Your game by hand" }, el("div", { class: "handhead" }, title, state), el("div", { class: "coinsides" }, tails, heads), seed, problem, last);
  const buttons = [tails, heads, seed];
  let id = "";
  let busy = false;
  let over = false;

  const open = () => store.state.requests.find((request) => isMine(request, page) && request.session && request.state === "running");

  /** @param {Turn} turn */
  function show(turn) {
    over = turn.over;
    write(state, turn.over ? turn.note || "It is over." : `Round ${count(turn.round)} of ${count(turn.rounds)}${turn.why ? `: ${turn.why}` : ""}`);
    element.dataset.right = turn.right === null || turn.right === undefined ? "" : String(turn.right);
    if (turn.guess || turn.came.length) fill(last, turnView(turn, true));
    for (const button of buttons) button.disabled = over || busy;
    for (const button of [tails, heads]) button.dataset.hinted = String(turn.hint === button.dataset.side);
  }
  listener = show;

  /** @param {string} text */
  async function guess(text) {
    if (busy || over || !id) return;
    busy = true;
    problem.hidden = true;
    try {
      const { value } = await call("POST", `/requests/${id}/input`, { text });
      busy = false;
      const answer = /** @type {HTMLElement|null} */ (document.querySelector(".session .answer"));
      if (answer) sessionAnswer(answer, value);
      else show(value);
    } catch (error) {
      problem.hidden = false;
      write(problem, said(error));
    }
    busy = false;
  }

  /** Keys of the page come here unless one types into a field. @param {KeyboardEvent} event */
  function press(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || element.hidden || over || document.querySelector("dialog[open]")) return;
    if (target.closest("textarea, select, input:not([type=range], [type=checkbox])")) return;
    if (!["0", "1", "s"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const side = event.key === "0" ? tails : event.key === "1" ? heads : seed;
    side.focus({ preventScroll: true });
    guess(event.key);
  }
  document.addEventListener("keydown", press, true);

  return {
    element,
    /** Shown while a session of one's own is open, and with how it ended until the next request. */
    draw() {
      const request = open();
      if (request && request.id !== id) {
        id = request.id;
        over = busy = false;
        fill(last);
        write(state, "The greeting comes …");
        for (const button of buttons) button.disabled = false;
        element.hidden = false;
        element.scrollIntoView({ block: "nearest" });
        // The session's line has taken the focus; here the keys 0 and 1 are at hand without it.
        setTimeout(() => {
          if (document.activeElement === document.body || document.activeElement?.id === "session-text") tails.focus({ preventScroll: true });
        }, 0);
      } else if (!request && id) {
        const ended = store.state.requests.find((entry) => entry.id === id);
        if (!over) write(state, ended?.result?.summary || ended?.error || "The session is closed.");
        id = "";
        over = true;
        for (const button of buttons) button.disabled = true;
      } else if (!request && element.hidden === false && store.state.requests[0] && isMine(store.state.requests[0], page) && !store.state.requests[0].session) {
        element.hidden = true;
      }
    },
  };
}
