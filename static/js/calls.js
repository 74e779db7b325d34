/** A lab's actions and queries: a small form each, made from its arguments, and the answer below it. */

import { call } from "./api.js";
import { whyNot } from "./command.js";
import { all, el, fill, one, say, write } from "./dom.js";
import { readFields, showFaults } from "./fields.js";
import { valueView } from "./value.js";

/** @typedef {import("./types.js").Call} Call */
/** @typedef {import("./types.js").Field} Field */

/**
 * Why an action cannot be done now; "" if it can. Pure.
 * @param {Call} action @param {string} state @param {boolean} teacher
 */
export function whyNotNow(action, state, teacher) {
  return action.offline && state !== "starting" && state !== "stopping" ? "" : whyNot(state, teacher);
}

/**
 * The question of a query: its path below the instance. Pure.
 * @param {string} name @param {Record<string, any>} values what is empty is left out
 */
export function dataPath(name, values) {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const asked = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return `/data/${name}${asked && "?"}${asked}`;
}

/**
 * The forms that the page holds for these; one that fails says why beside its fields.
 * @param {HTMLElement} element @param {Call[]} calls @param {string} prefix of the forms' ids
 * @param {(entry: Call, values: Record<string, any>) => Promise<any>} ask
 * @param {(entry: Call, value: any) => HTMLElement} view
 */
function mountForms(element, calls, prefix, ask, view) {
  return all(element, "form[data-call]").map((form) => {
    const entry = /** @type {Call} */ (calls.find((other) => other.name === form.dataset.call));
    const fields = entry.arguments;
    const button = /** @type {HTMLButtonElement} */ (one(form, "button[type=submit]"));
    const answer = one(form, ".answer");
    const problem = one(form, ".problem");
    const here = `${prefix}-${entry.name}`;
    let busy = false;
    let again = false;

    async function run() {
      if (busy) {
        again = true;
        return false;
      }
      busy = true;
      let done = true;
      form.setAttribute("aria-busy", "true");
      try {
        const { value } = await ask(entry, readFields(fields, here));
        showFaults(fields, here, []);
        problem.hidden = true;
        fill(answer, view(entry, value));
      } catch (error) {
        const refused = /** @type {import("./api.js").ApiError} */ (error);
        const rest = showFaults(fields, here, refused.faults ?? []);
        problem.hidden = rest.length === 0 && Boolean(refused.faults);
        write(problem, refused.words ?? String(error));
        done = false;
      }
      busy = false;
      form.removeAttribute("aria-busy");
      if (again) {
        again = false;
        return run();
      }
      return done;
    }
    return { form, entry, fields, button, run };
  });
}

/**
 * @param {HTMLElement|null} element @param {import("./keep.js").Store} store @param {import("./types.js").Page} page
 * @param {() => void} done after each action that was done
 * @param {string[]} handled the actions that the lab's own picture does
 */
export function mountActions(element, store, page, done, handled) {
  if (!element || !page.lab) return;
  leaveOut(element, handled);
  const path = `/instances/${page.instance?.id}/actions/`;
  const ask = (/** @type {Call} */ entry, /** @type {Record<string, any>} */ values) => call("POST", path + entry.name, values);
  const forms = mountForms(element, page.lab.actions, "action", ask, (_, value) =>
    value === null || value === undefined ? el("p", {}, "Done.") : el("div", {}, el("p", { class: "help" }, "Done:"), valueView(value)));
  for (const { form, entry, button, run } of forms) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.disabled) return;
      if (!(await run())) return;
      say(`${entry.title}: done`);
      done();
    });
  }
  function show() {
    const state = store.state.instance?.state ?? "stopped";
    for (const { form, entry, button } of forms) {
      const reason = whyNotNow(entry, state, page.me?.role === "teacher");
      button.disabled = reason !== "";
      write(one(form, ".reason"), reason);
    }
  }
  store.subscribe((_, change) => {
    if (change.type === "state" || change.type === "snapshot") show();
  });
  show();
}

/**
 * @param {HTMLElement|null} element @param {import("./keep.js").Store} store @param {import("./types.js").Page} page
 * @param {string[]} handled the queries that the lab's own picture shows
 * @returns {() => void} reads all again
 */
export function mountData(element, store, page, handled) {
  if (!element || !page.lab) return () => {};
  const path = `/instances/${page.instance?.id}`;
  leaveOut(element, handled);
  const ask = (/** @type {Call} */ entry, /** @type {Record<string, any>} */ values) => call("GET", path + dataPath(entry.name, values));
  const forms = mountForms(element, page.lab.queries, "query", ask, (_, value) => valueView(value, "Nothing there yet."));
  element.hidden = forms.length === 0;
  for (const { form, run } of forms) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      run();
    });
  }
  const refresh = () => {
    for (const { fields, run } of forms) if (fields.every(isGiven)) run();
  };
  let state = store.state.instance?.state;
  store.subscribe((now, change) => {
    if (change.type !== "state" || now.instance?.state === state) return;
    state = now.instance?.state;
    refresh();
  });
  refresh();
  return refresh;
}

/** @param {HTMLElement} element @param {string[]} handled */
function leaveOut(element, handled) {
  const forms = all(element, "form[data-call]");
  const left = forms.filter((form) => !handled.includes(form.dataset.call ?? ""));
  for (const form of forms) if (!left.includes(form)) form.remove();
  element.hidden = left.length === 0;
}

/** Whether a field needs nobody to fill it in. @param {Field} field */
function isGiven(field) {
  return !field.required;
}
