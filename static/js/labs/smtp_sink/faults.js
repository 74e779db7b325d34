/** Faults on purpose: a form, four presets, and what is set now. */

import { call, words } from "../../api.js";
import { byId, el, fill, one, say, write } from "../../dom.js";
import { readFields, showFaults, writeField } from "../../fields.js";

/** @type {[string, Record<string, any>][]} */
const PRESETS = [
  ["451 on the 2nd RCPT", { what: "reply", verb: "RCPT", nth: 2, once: true, code: 451 }],
  ["421 after 3 commands", { what: "reply", verb: "any", nth: 4, once: true, code: 421, text: "Service not available, closing transmission channel" }],
  ["5 s before the reply to DATA", { what: "delay", verb: "DATA", nth: 1, once: false, seconds: 5 }],
  ["Drop in the message", { what: "drop", verb: "message", nth: 1, once: true }],
];

/** @param {import("../../keep.js").Store} store @param {import("../../types.js").Page} page */
export function mountFaults(store, page) {
  const card = byId("faults");
  const path = `/instances/${page.instance?.id}/actions/`;
  const fields = page.lab?.actions.find((action) => action.name === "fault")?.arguments ?? [];
  const active = one(card, "#faults-active");
  const problem = one(card, ".problem");
  const buttons = /** @type {HTMLButtonElement[]} */ ([...card.querySelectorAll("button")]);
  const presets = card.querySelector(".presets");
  let state = "";

  /** @param {() => Promise<any>} work */
  async function attempt(work) {
    problem.hidden = true;
    try {
      await work();
      showFaults(fields, "fault", []);
      await refresh();
    } catch (error) {
      const refused = /** @type {import("../../api.js").ApiError} */ (error);
      problem.hidden = showFaults(fields, "fault", refused.faults ?? []).length === 0 && Boolean(refused.faults);
      write(problem, words(error));
    }
  }
  async function refresh() {
    const running = store.state.instance?.state === "running";
    const value = running ? (await call("POST", `${path}faults`, {})).value : [];
    fill(active, ...(value.length ? value.map((/** @type {any} */ fault) => el("li", {}, fault.words)) : [el("li", { class: "none" }, running ? "No fault is set." : "The server is not running: no fault is set.")]));
    return value;
  }
  /** @param {Record<string, any>} values */
  const set = (values) => attempt(async () => {
    await call("POST", `${path}fault`, values);
    say("The fault is set");
  });

  if (presets) {
    fill(presets, ...PRESETS.map(([title, values]) => {
      const button = el("button", { type: "button", onclick: () => {
        for (const field of fields) writeField(field, "fault", values[field.name] ?? field.default);
        set(values);
      } }, title);
      buttons.push(button);
      return button;
    }));
    one(card, "form").addEventListener("submit", (event) => {
      event.preventDefault();
      set(readFields(fields, "fault"));
    });
    one(card, "#faults-clear").addEventListener("click", () => attempt(() => call("POST", `${path}clear_faults`, {})));
  }
  store.subscribe((now, change) => {
    const hit = change.type === "snapshot" || now.instance?.state !== state || change.marks.some((event) => event.kind === "faults_set");
    state = now.instance?.state ?? "";
    for (const button of buttons) button.disabled = state !== "running";
    if (hit) attempt(async () => {});
  });
}
