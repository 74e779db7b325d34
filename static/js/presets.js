/** Buttons for settings chosen together; the one in force is marked. */

import { all } from "./dom.js";
import { inForce, writeField } from "./fields.js";

/** @typedef {import("./types.js").Preset} Preset */

/**
 * @param {HTMLElement} element holds the buttons
 * @param {Preset[]} presets @param {import("./types.js").Field[]} fields
 * @param {(settings: Record<string, any>) => void} chosen after the fields were written
 * @returns {(settings: Record<string, any>) => void} marks the one in force
 */
export function mountPresets(element, presets, fields, chosen) {
  const buttons = all(element, "button[data-preset]");
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const preset = presets.find((entry) => entry.name === button.dataset.preset);
      if (!preset) return;
      for (const field of fields) {
        if (field.name in preset.settings) writeField(field, "control", preset.settings[field.name]);
      }
      chosen(preset.settings);
    });
  }
  return (settings) => {
    for (const button of buttons) {
      const preset = presets.find((entry) => entry.name === button.dataset.preset);
      button.setAttribute("aria-pressed", String(Boolean(preset && inForce(preset.settings, settings))));
    }
  };
}
