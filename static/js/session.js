/** An open session: a line to write into it, what it last answered, and its end. */

import { call, words } from "./api.js";
import { el, fill, write } from "./dom.js";
import { noPast, recall, remember } from "./past.js";
import { valueView } from "./value.js";

/** @typedef {import("./types.js").Request} Request */
/**
 * @typedef {(element: HTMLElement, answer: any, take: (line: string) => void) => void} AnswerView how a lab
 *   shows an answer; take() puts a line into the input
 */

/**
 * A lab that shows answers in its own way is asked with an empty object how things stand when the session
 * opens. An answer's `hint` is a line that could come next: it is offered, and taken over with a press.
 * @param {() => void} wrote after a line was sent: time to look at the output @param {AnswerView} [view]
 * @param {string} [label] what the lab calls such a line
 */
export function createSession(wrote, view, label = "To the session") {
  const input = el("input", { type: "text", id: "session-text", autocomplete: "off", spellcheck: "false", "aria-describedby": "session-help" });
  const send = el("button", { type: "submit", class: "primary" }, "Send");
  const end = el("button", { type: "button" }, "End");
  const problem = el("p", { class: "error", role: "alert", hidden: true });
  const answer = el("div", { class: "answer", role: "status" });
  const offer = el("button", { type: "button", class: "quiet offer", hidden: true, "aria-label": "Take over the proposed line" });
  const help = el("p", { class: "help", id: "session-help" }, "Enter sends it, the arrow up brings earlier lines back. Five minutes without a line end the session.");
  const element = el(
    "form", { class: "session", hidden: true, "aria-label": "Your session" },
    el("label", { for: "session-text" }, label), input, send, end, offer, problem, answer, help,
  );
  let id = "";
  let past = noPast();
  let hint = "";

  /** @param {string} line */
  function take(line) {
    input.value = line;
    input.focus({ preventScroll: true });
  }

  /** @param {any} value */
  function show(value) {
    if (value === null || value === undefined) fill(answer);
    else if (view) view(answer, value, take);
    else fill(answer, valueView(value));
    hint = typeof value?.hint === "string" ? value.hint : "";
    offer.hidden = typeof value?.hint !== "string" || (!hint && !value.why);
    offer.disabled = !hint;
    fill(offer, el("span", { class: "next" }, "Next:"), hint && el("code", {}, hint), value?.why ? el("span", { class: "why" }, value.why) : null);
  }

  /** What the session has to say before a line is written. @param {string} to */
  function ask(to) {
    call("POST", `/requests/${to}/input`, {}).then(({ value }) => {
      if (to === id && !answer.hasChildNodes()) show(value);
    }, () => {}); // it may have ended by now: then the results say so
  }

  /** @param {() => Promise<void>} work */
  async function attempt(work) {
    send.disabled = end.disabled = true;
    problem.hidden = true;
    try {
      await work();
    } catch (error) {
      problem.hidden = false;
      write(problem, words(error));
    }
    send.disabled = end.disabled = false;
  }

  element.addEventListener("submit", (event) => {
    event.preventDefault();
    if (send.disabled) return;
    const text = input.value;
    attempt(async () => {
      const { value } = await call("POST", `/requests/${id}/input`, { text });
      past = remember(past, text);
      if (input.value === text) input.value = "";
      show(value);
      wrote();
    });
  });
  offer.addEventListener("click", () => take(hint));
  end.addEventListener("click", () => attempt(() => call("DELETE", `/requests/${id}`)));
  input.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    if (!step) return;
    event.preventDefault();
    const found = recall(past, /** @type {-1|1} */ (step), input.value);
    past = found.past;
    input.value = found.line;
  });

  return {
    element,
    /** Show the line for this session; false: there is none. @param {Request|undefined} request @returns {boolean} whether it has just opened */
    update(request) {
      const open = request?.state === "running" && request.session ? request.id : "";
      const opened = open !== "" && open !== id;
      if (opened) {
        past = noPast();
        show(null);
        problem.hidden = true;
        input.value = "";
      }
      const had = element.contains(document.activeElement);
      element.hidden = !open;
      if (had && !open) document.getElementById("send")?.focus();
      id = open;
      if (opened && view) ask(open);
      return opened;
    },
    focus: () => input.focus({ preventScroll: true }),
  };
}
