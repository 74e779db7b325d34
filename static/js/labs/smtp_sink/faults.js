/** Faults on purpose: a form, four presets, and what is set now. */

import { call, words } from "../../api.js";
import { byId, el, fill, one, say, write } from "../../dom.js";
import { readFields, showFaults, writeField } from "../../fields.js";

/** Called as servers/smtp_sink/faults.py calls them when they are set. @type {[string, Record<string, any>][]} */
const PRESETS = [
  ["451 on the 2nd RCPT", { what: "reply", verb: "RCPT", nth: 2, once: true, code: 451 }],
  ["421 after 3 commands", { what: "reply", verb: "any", nth: 4, once: true, code: 421, text: "Service not available, closing transmission channel" }],
  ["5 s before the reply to every DATA", { what: "delay", verb: "DATA", nth: 1, once: false, seconds: 5 }],
  ["connection dropped in the 1st message", { what: "drop", verb: "message", nth: 1, once: true }],
];

/** Which fields a fault of this kind has no use for. Pure. @param {{what?: string, verb?: string}} fault @returns {string[]} */
export function idle({ what, verb }) {
  return [...(what === "reply" ? [] : ["code", "text"]), ...(what === "delay" ? [] : ["seconds"]), ...(verb === "connect" ? ["nth", "once"] : [])];
}

/** @param {string} words */
const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);

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
  let shown = "";

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
    const shape = JSON.stringify([running, value]);
    if (shape === shown) return;
    shown = shape;
    const had = active.contains(document.activeElement);
    fill(active, ...(value.length ? value.map(entry) : [el("li", { class: "none" }, running ? "No fault is set." : "The server is not running: no fault is set.")]));
    if (had) (active.querySelector("button") ?? one(card, "#faults-clear")).focus();
  }
  /** @param {Record<string, any>} fault */
  function entry({ words: name, ...fault }) {
    const clear = () => attempt(() => call("POST", `${path}clear_fault`, fault));
    const title = `Clear «${name}»`;
    return el("li", {}, el("span", {}, sentence(name)), presets && el("button", { type: "button", class: "quiet", "aria-label": title, title, onclick: clear }, "×"));
  }
  /** @param {Record<string, any>} values */
  const set = (values) => attempt(async () => {
    await call("POST", `${path}fault`, values);
    say("The fault is set");
  });

  /** Only the fields that this kind of fault has are shown. */
  function fit() {
    const unused = idle(readFields(fields, "fault"));
    for (const { name } of fields) one(card, `[data-field="${name}"]`).hidden = unused.includes(name);
    return unused;
  }

  if (presets) {
    fill(presets, ...PRESETS.map(([title, values]) => {
      const button = el("button", { type: "button", onclick: () => {
        for (const field of fields) writeField(field, "fault", values[field.name] ?? field.default);
        fit();
        set(values);
      } }, sentence(title));
      buttons.push(button);
      return button;
    }));
    one(card, "form").addEventListener("submit", (event) => {
      event.preventDefault();
      const unused = fit();
      set(readFields(fields.filter(({ name }) => !unused.includes(name)), "fault"));
    });
    one(card, "form").addEventListener("change", fit);
    fit();
    one(card, "#faults-clear").addEventListener("click", () => attempt(() => call("POST", `${path}clear_faults`, {})));
  }
  store.subscribe((now, change) => {
    const hit = change.type === "snapshot" || now.instance?.state !== state || change.marks.some((event) => event.kind === "faults_set");
    state = now.instance?.state ?? "";
    for (const button of buttons) button.disabled = state !== "running";
    if (hit) attempt(async () => {});
  });
}
