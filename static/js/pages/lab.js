/** A lab's page: its servers, a form that starts one, its lesson and source. */

import { arm, byId, one } from "../dom.js";
import { readFields, showFaults, tieSliders, toFirstFault } from "../fields.js";
import { connect } from "../live.js";
import { mountCards, startLab } from "../overview.js";
import { readPage } from "../page.js";
import { mountPresets } from "../presets.js";
import { mountRail } from "../rail.js";
import { mountReading } from "../reading.js";
import { mountShell, showLink } from "../shell.js";

const page = readPage();
const lab = /** @type {import("../types.js").Lab} */ (page.lab);
mountShell();
mountReading(byId("reading"));
const rail = mountRail();
const cards = mountCards(page, lab.name);

const form = document.getElementById("settings");
if (form) {
  const fields = lab.settings;
  const presets = mountPresets(byId("start"), lab.view.presets, fields, () => presets(readFields(fields, "control")));
  tieSliders(fields, "control", () => presets(readFields(fields, "control")));
  presets(readFields(fields, "control"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = /** @type {HTMLButtonElement} */ (one(form, "button[type=submit]"));
    const place = (/** @type {import("../api.js").Fault[]} */ faults) => {
      const rest = showFaults(fields, "control", faults);
      toFirstFault(fields, "control");
      return rest;
    };
    startLab(lab.name, readFields(fields, "control"), button, one(form, ".actions .error"), place);
  });
}

arm();
connect({
  onLink: (link) => showLink(link),
  onOverview(instances) {
    rail(instances);
    cards(instances);
  },
});
