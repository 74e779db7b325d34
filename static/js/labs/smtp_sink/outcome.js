/** What came of a message that was sent from the form, or of a dialogue by hand: in words, and line by line. */

import { el } from "../../dom.js";
import { count, plural } from "../../format.js";
import { emptyLine } from "./line.js";

/**
 * @typedef {{side: "C"|"S", line: string, t_ms: number, tls?: boolean, decoded?: string, code?: number|null, meaning?: string,
 *   expected?: string, ok?: boolean|null}} Line as servers/smtp_sink/dialogue.py tells it; what is left out is as it is by default
 * @typedef {{accepted?: string[], refused?: string[], id?: string, size?: number, sent?: boolean, error?: string, dialogue?: Line[]}} Outcome
 */

/** The outcome in sentences, the first one the most important. Pure. @param {Outcome} outcome @returns {string[]} */
export function outcomeWords({ accepted, refused = [], id = "", size = 0, sent, error = "" }) {
  const more = error ? [error] : [];
  if (!accepted) return [sent ? "The server has taken a message." : "The server has taken no message.", ...more];
  if (!accepted.length) return ["Not sent.", ...more];
  const first = refused.length ? `Sent to ${accepted.length} of ${plural(accepted.length + refused.length, "recipient")}.` : "Sent.";
  return [
    first, ...more, `The server has it for ${accepted.join(", ")}.`, ...(refused.length ? [`It refused ${refused.join(", ")}.`] : []),
    `The message has ${plural(size, "byte")}${id ? `; in the mailbox it is called ${id}` : ""}.`,
  ];
}

/** What to say of a line: its meaning, and which code should have come. Pure. @param {Line} line */
export function lineWords({ meaning = "", expected = "", code, ok = null }) {
  return [meaning, ok === false && `Expected ${expected}, but ${code} came.`].filter(Boolean).join(" ");
}

/** @param {import("../../types.js").Request} request */
export function resultSummary({ result }) {
  const [first, ...rest] = outcomeWords(result ?? {});
  const good = result?.sent ?? (result?.accepted?.length > 0 && !result?.refused?.length);
  return el("div", { class: "outcome", "data-good": String(good && !result?.error) }, el("p", { class: "verdict" }, first), ...rest.map((words) => el("p", { class: words === result?.error ? "error" : "" }, words)));
}

/** @param {import("../../types.js").Request} request */
export function resultDetails({ result, cut }) {
  const lines = /** @type {Line[]} */ (result?.dialogue ?? []);
  if (!lines.length) return el("p", { class: "empty" }, "Nothing was said.");
  const whole = cut?.dialogue ?? lines.length;
  const more = whole > lines.length && el("p", { class: "help" }, `The first ${count(lines.length)} of ${count(whole)} lines; the JSON export has all.`);
  return el("div", {}, el("ol", { class: "dialogue", tabindex: "0", "aria-label": "The dialogue of this request" }, ...lines.map(row)), more || null);
}

/** @param {Line} said */
function row(said) {
  const { side, line, t_ms: ms, tls, decoded, code } = said;
  const client = side === "C";
  const lock = tls && el("span", { class: "lock", title: "encrypted", role: "img", "aria-label": "encrypted" }, "🔒");
  return el(
    "li", { "data-side": client ? "client" : "server", "data-class": code ? String(Math.floor(code / 100)) : null, title: `after ${ms} ms` },
    el("span", { class: "mark", "aria-hidden": "true" }, client ? "→" : "←"), el("span", { class: "unseen" }, client ? "Client" : "Server"),
    el("div", { class: "line" }, lock || null, line ? el("code", { class: "words" }, line) : emptyLine()),
    el("div", { class: "meaning" }, lineWords(said), decoded && el("span", { class: "decoded" }, ` Decoded: ${decoded}`)),
  );
}
