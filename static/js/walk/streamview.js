/** Follow stream: both directions' bytes as text or hex, in their colours. */

import { words } from "../api.js";
import { all, el, fill, one, write } from "../dom.js";
import { plural } from "../format.js";
import { blocksOf } from "./stream.js";

/** @typedef {import("./stream.js").Piece} Piece */

/** @param {HTMLElement} element */
export function createStream(element) {
  const place = one(element, ".conversation");
  const note = one(element, ".note");
  /** @type {"text"|"hex"} */
  let as = "text";
  /** @type {import("./model.js").Way|"both"} */
  let which = "both";
  /** @type {{pieces: Piece[], cut: boolean}} */
  let found = { pieces: [], cut: false };
  let asked = 0;
  let last = -1;

  function draw() {
    const { blocks, left } = blocksOf(found.pieces, as, which);
    fill(place, ...blocks.flatMap(({ way, gap, words: said, lines }) => [
      gap && el("p", { class: "gap" }, `⋯ ${gap}`),
      el("div", { class: "said", "data-way": way, "aria-label": said, role: "group" }, el("small", {}, said), el("pre", {}, lines.join("\n"))),
    ]));
    const parts = [!found.pieces.length && "No bytes yet.", left > 0 && `${plural(left, "byte")} more are not shown here: export them.`, found.cut && "The dashboard left out the rest: it is too long."];
    write(note, parts.filter(Boolean).join(" "));
  }
  for (const button of all(element, "[data-as], [data-which]")) {
    button.addEventListener("click", () => {
      const name = button.dataset.as ? "as" : "which";
      for (const each of all(element, `[data-${name}]`)) each.setAttribute("aria-pressed", String(each === button));
      if (button.dataset.as) as = button.dataset.as === "hex" ? "hex" : "text";
      else which = /** @type {any} */ (button.dataset.which);
      draw();
    });
  }
  return {
    clear() {
      asked += 1;
      last = -1;
      found = { pieces: [], cut: false };
      draw();
    },
    /** The stream up to a packet, unless nobody sees it, or it is that already. @param {number} n @param {() => Promise<{pieces: Piece[], cut: any}>} load */
    async show(n, load) {
      if (element.hidden || n === last) return;
      last = n;
      const mine = (asked += 1);
      try {
        const answer = await load();
        if (mine !== asked) return;
        found = { pieces: answer.pieces, cut: Boolean(answer.cut) };
        draw();
      } catch (problem) {
        if (mine === asked) write(note, words(problem));
      }
    },
  };
}
