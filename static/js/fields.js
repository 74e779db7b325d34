/** Reading, writing and faulting the fields that templates/_fields.html made. */

import { write } from "./dom.js";

/** @typedef {import("./types.js").Field} Field */

/**
 * What an input's text means for the interface. What is not a number goes as it is, and is refused
 * with words by the dashboard, which alone knows the rules.
 * @param {Field} field @param {string} text @param {boolean} [checked]
 */
export function toValue(field, text, checked = false) {
  if (field.type === "flag") return checked;
  if (field.type === "text") return text === "" && field.optional ? null : text;
  const trimmed = text.trim();
  if (trimmed === "") return null;
  if (field.type === "choice") return trimmed;
  const value = Number(trimmed.replace(",", "."));
  return Number.isFinite(value) ? value : trimmed;
}

/** What an input says; of one whose text the browser keeps to itself, that it is no number. @param {Field} field @param {HTMLInputElement} input */
export function valueOf(field, input) {
  return input.validity?.badInput ? "not a number" : toValue(field, input.value, input.checked);
}

/** How a value stands in an input. @param {any} value */
export function toText(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "number" ? String(Number(value.toPrecision(10))) : String(value);
}

/** Equal for the person who reads it. @param {any} a @param {any} b */
export function same(a, b) {
  return typeof a === "number" && typeof b === "number" ? Math.abs(a - b) < 1e-9 : a === b;
}

/** Whether all of a preset's settings are in force. @param {Record<string, any>} preset @param {Record<string, any>} settings */
export function inForce(preset, settings) {
  return Object.entries(preset).every(([name, value]) => same(value, settings[name]));
}

/** @param {Field} field @param {string} prefix @returns {HTMLInputElement|null} */
export function inputOf(field, prefix) {
  return /** @type {HTMLInputElement|null} */ (document.getElementById(`${prefix}-${field.name}`));
}

/** @param {Field[]} fields @param {string} prefix @returns {Record<string, any>} */
export function readFields(fields, prefix) {
  /** @type {Record<string, any>} */
  const values = {};
  for (const field of fields) {
    const input = inputOf(field, prefix);
    if (input) values[field.name] = valueOf(field, input);
  }
  return values;
}

/** @param {Field} field @param {string} prefix @param {any} value */
export function writeField(field, prefix, value) {
  const input = inputOf(field, prefix);
  if (!input) return;
  if (field.type === "flag") input.checked = Boolean(value);
  else if (input.validity?.badInput || !same(toValue(field, input.value), value)) input.value = toText(value);
  if (field.secret) cover(input);
  for (const box of boxesOf(input.id)) box.checked = String(value ?? "").split(",").includes(box.value);
  const slider = sliderOf(field, prefix);
  if (slider && value !== null) slide(slider, Number(value));
}

/** The boxes of a field that is several words of a few. @param {string} id @returns {HTMLInputElement[]} */
function boxesOf(id) {
  return [.../** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll(`[data-several="${id}"] input`))];
}

/** Hide what a secret's field says, unless it is one of its plain words. @param {HTMLInputElement} input */
function cover(input) {
  input.classList.toggle("secret", !input.dataset.plain?.split(" ").includes(input.value));
}

/** Let fields of secrets hide what is typed into them. */
export function tieSecrets() {
  document.addEventListener("input", ({ target }) => {
    if (target instanceof HTMLInputElement && target.dataset.plain !== undefined) cover(target);
  });
}

/** Let the boxes of such fields write what is ticked into their field, before anybody reads it. */
export function tieBoxes() {
  document.addEventListener("input", ({ target }) => {
    const group = target instanceof Element ? target.closest("[data-several]") : null;
    const id = group?.getAttribute("data-several") ?? "";
    const input = /** @type {HTMLInputElement|null} */ (document.getElementById(id));
    if (input) input.value = boxesOf(id).filter((box) => box.checked).map((box) => box.value).join(",");
  }, true);
}

/** @param {Field} field @param {string} prefix @returns {HTMLInputElement|null} */
export function sliderOf(field, prefix) {
  return /** @type {HTMLInputElement|null} */ (document.getElementById(`${prefix}-${field.name}-slider`));
}

/** Set a slider and how far its track is filled. @param {HTMLInputElement} slider @param {number} value */
export function slide(slider, value) {
  slider.value = String(value);
  const low = Number(slider.min);
  const part = (Number(slider.value) - low) / (Number(slider.max) - low || 1);
  slider.style.setProperty("--part", `${100 * part}%`);
}

/** Slider and number say the same. @param {Field[]} fields @param {string} prefix @param {(field: Field) => void} changed */
export function tieSliders(fields, prefix, changed) {
  for (const field of fields) {
    const input = inputOf(field, prefix);
    const slider = sliderOf(field, prefix);
    if (slider && input) {
      slide(slider, Number(input.value));
      slider.addEventListener("input", () => {
        input.value = slider.value;
        slide(slider, Number(slider.value));
        changed(field);
      });
    }
    input?.addEventListener("input", () => {
      const value = valueOf(field, input);
      if (slider && typeof value === "number") slide(slider, value);
      changed(field);
    });
  }
}

/**
 * Say beside each field what is wrong with it; returns what belongs to no field here.
 * @param {Field[]} fields @param {string} prefix @param {{message: string, field?: string, hint?: string}[]} faults
 */
export function showFaults(fields, prefix, faults) {
  for (const field of fields) {
    const fault = faults.find((entry) => entry.field === field.name);
    const line = document.getElementById(`${prefix}-${field.name}-error`);
    if (!line) continue;
    line.hidden = !fault;
    write(line, fault ? [fault.message, fault.hint].filter(Boolean).join(" ") : "");
    const input = inputOf(field, prefix);
    input?.toggleAttribute("aria-invalid", Boolean(fault));
    const fold = fault ? input?.closest("details") : null;
    if (fold) fold.open = true;
  }
  const names = fields.map((field) => field.name);
  return faults.filter((fault) => !fault.field || !names.includes(fault.field));
}

/** Bring the first field with a fault into sight: after a press of a button, which may be far from it. @param {Field[]} fields @param {string} prefix */
export function toFirstFault(fields, prefix) {
  fields.map((field) => inputOf(field, prefix)).find((input) => input?.hasAttribute("aria-invalid"))?.focus();
}
