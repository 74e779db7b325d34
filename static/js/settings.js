/** Settings of a running server: live ones while they are dragged, the others with a restart. */

import { call } from "./api.js";
import { byId, notice, one, write } from "./dom.js";
import { inputOf, readFields, same, showFaults, sliderOf, tieSliders, toFirstFault, valueOf, writeField } from "./fields.js";
import { mountPresets } from "./presets.js";

/** @typedef {import("./types.js").Field} Field */

const EVERY_MS = 100;
const SETTLE_MS = 1500;

/** @param {HTMLElement} element @param {import("./keep.js").Store} store @param {import("./types.js").Lab} lab @param {boolean} teacher */
export function mountSettings(element, store, lab, teacher) {
  const live = lab.settings.filter((field) => field.live);
  const fixed = lab.settings.filter((field) => !field.live);
  const sender = createSender(store, live);
  const mark = mountPresets(element, lab.view.presets, live, (settings) => {
    for (const name of Object.keys(settings)) sender.touch(name, settings[name]);
  });
  element.hidden = lab.settings.length === 0;
  tieSliders(live, "control", (field) => {
    const input = inputOf(field, "control");
    if (input) sender.touch(field.name, valueOf(field, input));
  });
  byId("live").addEventListener("submit", (event) => event.preventDefault());

  const form = document.getElementById("fixed");
  const changed = new Set();
  form?.addEventListener("input", (event) => changed.add(/** @type {HTMLInputElement} */ (event.target).name));
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    restart(form, store, fixed).then((done) => done && changed.clear());
  });

  function show() {
    const settings = store.state.instance?.settings ?? {};
    for (const field of live) {
      if (!sender.busy(field.name)) writeField(field, "control", settings[field.name]);
    }
    for (const field of fixed) {
      if (!changed.has(field.name)) writeField(field, "control", settings[field.name]);
    }
    mark(settings);
    const running = store.state.instance?.state === "running";
    if (teacher) write(byId("settings-note"), !live.length ? "" : running ? "take effect at once" : "for the next start");
    const button = form?.querySelector("button[type=submit]");
    if (button) write(button, running ? "Restart with these settings" : "Save these settings");
  }
  store.subscribe((_, change) => {
    if (change.type === "state" || change.type === "snapshot") show();
  });
  show();
}

/**
 * Sends what changed at most ten times a second; the newest value of each field wins. While a field
 * is being changed, what comes back from the server does not pull it from under the hand.
 * @param {import("./keep.js").Store} store @param {Field[]} fields
 */
function createSender(store, fields) {
  /** @type {Record<string, any>} */
  let pending = {};
  /** @type {Map<string, number>} */
  const touched = new Map();
  let sending = false;
  let last = 0;

  async function send() {
    const id = store.state.instance?.id;
    if (sending || !id || Object.keys(pending).length === 0) return;
    const wait = last + EVERY_MS - performance.now();
    if (wait > 0) {
      setTimeout(send, wait);
      return;
    }
    const settings = pending;
    pending = {};
    sending = true;
    last = performance.now();
    try {
      const instance = await call("PATCH", `/instances/${id}`, { settings });
      showFaults(fields, "control", []);
      store.dispatch({ type: "state", instance });
    } catch (problem) {
      const error = /** @type {import("./api.js").ApiError} */ (problem);
      const rest = showFaults(fields, "control", error.faults ?? []);
      if (rest.length) notice(error.words ?? String(error));
    }
    sending = false;
    send();
  }

  return {
    /** @param {string} name @param {any} value */
    touch(name, value) {
      touched.set(name, performance.now());
      const now = store.state.instance?.settings[name];
      if (same(now, value) && !(name in pending) && !sending) {
        showFaults(fields, "control", []);
        return;
      }
      pending[name] = value;
      send();
    },
    /** @param {string} name */
    busy(name) {
      const field = fields.find((entry) => entry.name === name);
      const slider = field && sliderOf(field, "control");
      const held = slider?.matches(":active") || document.getElementById(`control-${name}-error`)?.hidden === false;
      return name in pending || held || performance.now() - (touched.get(name) ?? -SETTLE_MS) < SETTLE_MS;
    },
  };
}

/** @param {HTMLElement} form @param {import("./keep.js").Store} store @param {Field[]} fields */
async function restart(form, store, fields) {
  const id = store.state.instance?.id;
  const line = one(form, ".actions .error");
  line.hidden = true;
  try {
    const instance = await call("PATCH", `/instances/${id}`, { settings: readFields(fields, "control") });
    showFaults(fields, "control", []);
    store.dispatch({ type: "state", instance });
    return true;
  } catch (problem) {
    const error = /** @type {import("./api.js").ApiError} */ (problem);
    const rest = showFaults(fields, "control", error.faults ?? []);
    toFirstFault(fields, "control");
    line.hidden = rest.length === 0 && Boolean(error.faults);
    write(line, error.words ?? String(error));
    return false;
  }
}
