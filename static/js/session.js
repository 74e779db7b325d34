/** An open session: a line to write into it, what it last answered, and its end. */

import { call, words } from "./api.js";
import { el, fill, write } from "./dom.js";
import { noPast, recall, remember } from "./past.js";
import { valueView } from "./value.js";

/** @typedef {import("./types.js").Request} Request */

/** @param {() => void} wrote after a line was sent: time to look at the output */
export function createSession(wrote) {
  const input = el("input", { type: "text", id: "session-text", autocomplete: "off", spellcheck: "false", "aria-describedby": "session-help" });
  const send = el("button", { type: "submit", class: "primary" }, "Send");
  const end = el("button", { type: "button" }, "End");
  const problem = el("p", { class: "error", role: "alert", hidden: true });
  const answer = el("div", { class: "answer", role: "status" });
  const help = el("p", { class: "help", id: "session-help" }, "Enter sends it, the arrow up brings earlier lines back. Five minutes without a line end the session.");
  const element = el(
    "form", { class: "session", hidden: true, "aria-label": "Your session" },
    el("label", { for: "session-text" }, "To the session"), input, send, end, problem, answer, help,
  );
  let id = "";
  let past = noPast();

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
      fill(answer, value === null || value === undefined ? null : valueView(value));
      wrote();
    });
  });
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
        fill(answer);
        problem.hidden = true;
        input.value = "";
      }
      const had = element.contains(document.activeElement);
      element.hidden = !open;
      if (had && !open) document.getElementById("send")?.focus();
      id = open;
      return opened;
    },
    focus: () => input.focus({ preventScroll: true }),
  };
}
