/** A scroll bar for what is drawn: it knows bytes, not pixels, so that a stream may have as many as it likes. */

import { el } from "../dom.js";

const LEAST = 24;

/** @param {(from: number) => void} onMove */
export function createScrollbar(onMove) {
  const thumb = el("i", {});
  const element = el("div", { class: "bytebar", role: "scrollbar", "aria-orientation": "horizontal", "aria-label": "Bytes in view", "aria-valuemin": "0" }, thumb);
  let [from, shown, extent] = [0, 1, 1];
  /** Where in the thumb it is held. @type {number|null} */
  let grip = null;

  const room = () => Math.max(1, element.clientWidth - thumb.offsetWidth);
  element.addEventListener("pointerdown", (event) => {
    const { left, width } = thumb.getBoundingClientRect();
    grip = event.clientX >= left && event.clientX < left + width ? event.clientX - left : width / 2;
    element.setPointerCapture(event.pointerId);
    drag(event);
  });
  element.addEventListener("pointermove", (event) => grip !== null && drag(event));
  for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, () => (grip = null));
  /** @param {MouseEvent} event */
  function drag(event) {
    const x = event.clientX - element.getBoundingClientRect().left - (grip ?? 0);
    onMove(((extent - shown) * Math.max(0, Math.min(x, room()))) / room());
  }

  let said = "";
  return {
    element,
    /** @param {number} first the first byte in view @param {number} count how many are @param {number} all */
    show(first, count, all) {
      [from, shown, extent] = [first, count, all];
      const part = Math.min(1, shown / extent);
      const now = `${Math.round(from)} ${part.toFixed(4)} ${Math.round(extent)}`;
      if (now === said) return;
      said = now;
      element.classList.toggle("off", part > 0.999);
      element.style.setProperty("--part", String(part));
      element.style.setProperty("--at", String(extent > shown ? from / (extent - shown) : 0));
      element.style.setProperty("--least", `${LEAST}px`);
      element.setAttribute("aria-valuenow", String(Math.round(from)));
      element.setAttribute("aria-valuemax", String(Math.round(Math.max(0, extent - shown))));
    },
  };
}
