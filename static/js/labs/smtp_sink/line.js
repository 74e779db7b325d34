/** What a line of the dialogue needs wherever it is shown. */

import { el } from "../../dom.js";

/** The mark in an empty line's place: it is seen that there is one. */
export function emptyLine() {
  return el("em", { class: "blank" }, "(an empty line)");
}
