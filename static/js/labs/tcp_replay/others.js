/** The tapes that are there beside the one in use, and for the teacher a press to take one of them. */

import { call, words } from "../../api.js";
import { el, fill, say, write } from "../../dom.js";
import { clock, plural } from "../../format.js";
import { sizeWords } from "./words.js";

/** @typedef {{path: string, name: string, size: number, changed: number, used: boolean, own: boolean}} Tape */

/** @param {import("../../keep.js").Store} store @param {string} path of the instance below /api/v1 @param {boolean} teacher */
export function createOthers(store, path, teacher) {
  const list = el("ul", { class: "tapes" });
  const problem = el("p", { class: "error", role: "alert", hidden: true });
  const summary = el("summary", {}, "Other tapes");
  const element = el("details", { class: "more", hidden: true }, summary, problem, list);

  async function read() {
    if (!teacher) return;
    const { value } = await call("GET", `${path}/data/tapes`).catch(() => ({ value: { tapes: [] } }));
    const tapes = /** @type {Tape[]} */ (value.tapes);
    element.hidden = tapes.length < 2;
    write(summary, plural(tapes.length, "tape"));
    fill(list, ...tapes.map((tape) => el(
      "li", {}, el("code", { title: tape.path }, tape.name), el("span", { class: "help" }, `${sizeWords(tape.size)}, changed ${new Date(1000 * tape.changed).toLocaleDateString()} ${clock(tape.changed, 0)}`),
      tape.used ? el("b", {}, "in use") : teacher && el("button", { type: "button", onclick: () => use(tape) }, store.state.instance?.state === "running" ? "Use it (restarts the server)" : "Use it"),
    )));
  }
  /** @param {Tape} tape */
  async function use(tape) {
    problem.hidden = true;
    try {
      const instance = await call("PATCH", path, { settings: { tape: tape.own && tape.name === "tape.jsonl" ? "" : tape.path } });
      store.dispatch({ type: "state", instance });
      say(`${tape.name} is in use`);
    } catch (error) {
      problem.hidden = false;
      write(problem, words(error));
    }
    read();
  }
  return { element, read };
}
