/** The runs of a server: when, with which settings and seed, and why each ended. */

import { call, words } from "./api.js";
import { byId, el, fill } from "./dom.js";
import { clock, took } from "./format.js";

/**
 * @typedef {{run: number, started: number, ended: number|null, settings: Record<string, any>,
 *   seed: number|null, address: string, reason: string}} Run
 */

const HOST_PORT = ["host", "port", "seed"];

/** @param {HTMLDetailsElement} element @param {import("./keep.js").Store} store @param {import("./types.js").Lab} lab */
export function mountRuns(element, store, lab) {
  const list = byId("runs-list");

  async function load() {
    try {
      const { runs } = await call("GET", `/instances/${store.state.instance?.id}/runs`);
      const rows = /** @type {Run[]} */ (runs).map((run) => row(run, lab));
      fill(list, ...(rows.length ? rows : [el("li", { class: "help" }, "It has not run yet.")]));
    } catch (problem) {
      fill(list, el("li", { class: "error" }, words(problem)));
    }
  }
  element.addEventListener("toggle", () => {
    if (element.open) load();
  });
  let shown = "";
  store.subscribe((state) => {
    const now = `${state.instance?.run} ${state.instance?.state}`;
    if (now !== shown && element.open) load();
    shown = now;
  });
}

/** @param {Run} run @param {import("./types.js").Lab} lab */
function row(run, lab) {
  const when = new Date(run.started * 1000).toLocaleDateString();
  const length = run.ended === null ? "running" : `${took(run.ended - run.started)}, ${run.reason}`;
  return el(
    "li", { "data-run": String(run.run) },
    el("strong", {}, `Run ${run.run}`), ` ${when} ${clock(run.started, 0)} · ${length}`,
    el("p", { class: "help" }, [run.address && `at ${run.address}`, run.seed !== null && `seed ${run.seed}`, ...differing(run, lab)].filter(Boolean).join(" · ")),
  );
}

/** The settings that are not the lab's defaults, in words. @param {Run} run @param {import("./types.js").Lab} lab */
export function differing(run, lab) {
  return lab.settings
    .filter((field) => !HOST_PORT.includes(field.name) && run.settings[field.name] !== undefined && run.settings[field.name] !== field.default)
    .map((field) => `${field.title} ${run.settings[field.name]}${field.unit ? ` ${field.unit}` : ""}`);
}
