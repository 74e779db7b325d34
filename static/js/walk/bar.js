/** The buttons above the ladder, and the tabs below it. */

import { all, byId } from "../dom.js";

/**
 * @param {{mode: (mode: string) => void, look: (change: Partial<import("./rung.js").Look>) => void, calls: (on: boolean) => void,
 *   secrets: (on: boolean) => void, below: () => void}} hooks `below`: another tab may be open
 */
export function mountBar({ mode, look, calls, secrets, below }) {
  const card = byId("ladder-card");
  for (const button of all(card, "[data-mode]")) button.addEventListener("click", () => mode(button.dataset.mode ?? "all"));
  for (const button of all(card, "[data-numbers], [data-since]")) {
    button.addEventListener("click", () => {
      const name = button.dataset.numbers ? "numbers" : "since";
      for (const each of all(card, `[data-${name}]`)) each.setAttribute("aria-pressed", String(each === button));
      look(name === "numbers" ? { absolute: button.dataset.numbers === "absolute" } : { since: button.dataset.since === "before" ? "before" : "first" });
    });
  }
  toggle(byId("calls"), calls);
  toggle(document.getElementById("reveal"), secrets);
  byId("below-tabs").addEventListener("click", below);
  byId("below-tabs").addEventListener("keydown", () => setTimeout(below));
}

/** @param {HTMLElement|null} button @param {(on: boolean) => void} then */
function toggle(button, then) {
  button?.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    then(on);
  });
}

/** Which mode is on, and its strip below the buttons. @param {string} mode */
export function showMode(mode) {
  for (const name of ["walk", "predict"]) byId(name).hidden = mode !== name;
  for (const button of all(byId("ladder-card"), "[data-mode]")) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
}
