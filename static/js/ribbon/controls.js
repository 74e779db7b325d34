/** What moves the cuts: fields of the form and live settings a second time, beside the picture. Both say the same. */

import { inputOf, sliderOf, slide, tieSliders, valueOf, writeField } from "../fields.js";

/** @typedef {import("../types.js").Field} Field */

/** @param {import("../keep.js").Store} store @param {import("../types.js").Lab} lab */
export function mountControls(store, lab) {
  const { request, settings } = lab.view.stream;
  tie(lab.request.filter(({ name }) => request.includes(name)), "request", store);
  tie(lab.settings.filter(({ name }) => settings.includes(name)), "control", store);
}

/** @param {Field[]} fields @param {string} prefix of the ones elsewhere @param {import("../keep.js").Store} store */
function tie(fields, prefix, store) {
  const here = `stream-${prefix}`;
  const shown = fields.filter((field) => inputOf(field, here) && inputOf(field, prefix));
  let mine = false;
  const back = () => {
    if (mine) return;
    for (const field of shown) {
      const there = /** @type {HTMLInputElement} */ (inputOf(field, prefix));
      if (document.activeElement !== inputOf(field, here)) writeField(field, here, valueOf(field, there));
    }
  };
  tieSliders(shown, here, (field) => {
    const [from, to] = [inputOf(field, here), inputOf(field, prefix)];
    if (!from || !to) return;
    if (field.type === "flag") to.checked = from.checked;
    else to.value = from.value;
    const slider = sliderOf(field, prefix);
    if (slider && to.value !== "") slide(slider, Number(to.value));
    mine = true;
    to.dispatchEvent(new Event("input", { bubbles: true }));
    mine = false;
  });
  for (const field of shown) {
    const there = inputOf(field, prefix);
    there?.addEventListener("input", back);
    sliderOf(field, prefix)?.addEventListener("input", back);
    faults(`${prefix}-${field.name}-error`, `${here}-${field.name}-error`);
  }
  store.subscribe((_, change) => {
    if (change.type === "state" || change.type === "snapshot" || change.type === "request") back();
  });
  back();
}

/** What is wrong with the one is said beside the other, too. @param {string} from @param {string} to */
function faults(from, to) {
  const [source, target] = [document.getElementById(from), document.getElementById(to)];
  if (!source || !target) return;
  new MutationObserver(() => {
    target.hidden = source.hidden;
    target.textContent = source.textContent;
  }).observe(source, { attributes: true, childList: true, characterData: true, subtree: true });
}
