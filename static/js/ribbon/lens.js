/** The call that is pointed at or picked, in words. */

import { el, fill, say } from "../dom.js";
import { factsOf, headOf, textOf } from "./words.js";

/** @typedef {import("./model.js").Connection} Connection */

const HINT = "Point at a call, or go from call to call with the arrow keys: its bytes and its counterparts.";

/** @param {HTMLElement} element */
export function createLens(element) {
  let shown = "-";
  const hint = () => {
    shown = "";
    delete element.dataset.way;
    fill(element, el("p", { class: "help" }, HINT));
  };
  return {
    /**
     * @param {Connection|null} connection @param {import("./words.js").Picked|null} picked
     * @param {boolean} told whether a screen reader is to say it
     */
    show(connection, picked, told) {
      const key = picked && connection ? `${connection.id} ${picked.way} ${picked.level} ${picked.call.number} ${picked.call.offset}` : "";
      if (told && picked && connection) say(wordsOf(connection, picked));
      if (key === shown && !picked) return;
      if (!picked || !connection) {
        hint();
        return;
      }
      shown = key;
      const { title, asked, facts } = factsOf(picked, connection);
      element.dataset.way = picked.way;
      fill(
        element, el("p", {}, el("strong", {}, title), " ", el("span", { class: "help" }, [asked, ...facts].filter(Boolean).join(" · "))),
        el("p", { class: "bytesline" }, textOf(headOf(picked.call), picked.call.size)),
      );
    },
    clear: hint,
  };
}

/** @param {Connection} connection @param {import("./words.js").Picked} picked */
function wordsOf(connection, picked) {
  const { title, asked, facts } = factsOf(picked, connection);
  return [title, asked, ...facts, textOf(headOf(picked.call).subarray(0, 80), picked.call.size)].filter(Boolean).join(". ");
}
