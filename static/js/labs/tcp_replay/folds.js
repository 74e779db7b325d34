/** The many settings in folds: what is rarely changed, and the faults of each direction. */

import { el, one, write } from "../../dom.js";
import { plural } from "../../format.js";
import { faultsOf } from "./words.js";

const WAYS = /** @type {["upstream"|"downstream", string][]} */ ([["upstream", "Faults to the server"], ["downstream", "Faults to the client"]]);

/**
 * Moves the fields of the settings' form.
 * @param {import("../../types.js").Field[]} fields
 * @returns {(settings: Record<string, any>) => void} to be called with the settings: says how many faults are set
 */
export function foldSettings(fields) {
  const form = document.getElementById("live");
  const rare = fields.filter(({ name, live, advanced }) => live && advanced && !/^(up|down)stream_/.test(name));
  fold("More about matching", rare.map(({ name }) => name));
  const folds = WAYS.map(([stream, title]) => {
    const word = el("small", {});
    const box = fold(title, fields.filter(({ name }) => name.startsWith(`${stream}_`)).map(({ name }) => name));
    box.dataset.stream = stream;
    one(box, "summary").append(" ", word);
    return { stream, word, box };
  });
  /** @param {string} title @param {string[]} names */
  function fold(title, names) {
    const boxes = names.map((name) => document.getElementById(`control-${name}`)?.closest(".field"));
    const box = el("details", { class: "more faultfold" }, el("summary", {}, title), ...boxes);
    form?.append(box);
    return box;
  }
  let first = true;
  return (settings) => {
    for (const { stream, word, box } of folds) {
      const count = faultsOf(settings, stream).length;
      write(word, count ? plural(count, "fault") : "none");
      if (first && count) box.open = true;
    }
    first = false;
  };
}
