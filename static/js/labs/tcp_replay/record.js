/** A recording in three clicks: record a server of this dashboard, ask it something, stop it and replay. */

import { call, words } from "../../api.js";
import { byId, el, fill, one, say, write } from "../../dom.js";
import { machine, reachable } from "../../reach.js";
import { recordSettings, sourcesOf, stepOf } from "./sources.js";

/** @typedef {import("./sources.js").Source} Source */

/** @param {import("../../keep.js").Store} store @param {import("../../types.js").Page} page */
export function mountRecord(store, page) {
  const card = document.getElementById("record");
  if (!card) return { overview: () => {}, plan: () => {} };
  const list = one(card, "ol");
  const problem = one(card, ".problem");
  /** @type {Map<string, Source>} also those that were stopped meanwhile */
  const known = new Map();
  let chosen = "";
  let before = 0;
  let busy = false;
  let shape = "";

  /** @param {import("../../types.js").Summary[]} instances */
  function overview(instances) {
    const there = new Map(instances.map((instance) => [instance.id, instance]));
    for (const source of known.values()) source.running = there.get(source.id)?.state === "running";
    for (const id of known.keys()) if (!there.has(id)) known.delete(id);
    for (const source of sourcesOf(instances, store.state.instance?.settings.transport ?? "tcp")) known.set(source.id, source);
    plan();
  }
  function current() {
    const target = store.state.instance?.settings.target;
    const found = known.get(chosen);
    return found && found.target === target ? found : ([...known.values()].find((source) => source.target === target) ?? null);
  }
  /** @param {() => Promise<string>} work what was done, in words */
  async function attempt(work) {
    if (busy) return;
    busy = true;
    problem.hidden = true;
    plan();
    try {
      say(await work());
    } catch (error) {
      problem.hidden = false;
      write(problem, words(error));
    }
    busy = false;
    plan();
  }
  /** @param {Record<string, any>} settings */
  async function patch(settings) {
    const instance = await call("PATCH", `/instances/${store.state.instance?.id}`, { settings });
    store.dispatch({ type: "state", instance });
  }
  /** @param {Source} source */
  const record = (source) => attempt(async () => {
    chosen = source.id;
    before = store.state.counters.recorded ?? 0;
    await patch(recordSettings(source));
    return `${source.title} is being recorded`;
  });
  /** @param {Source} source */
  const replay = (source) => attempt(async () => {
    await call("POST", `/instances/${source.id}/stop`);
    await patch({ mode: "replay" });
    return `${source.title} is stopped, the tape answers`;
  });
  /** @param {Source} source */
  const again = (source) => attempt(async () => {
    await call("POST", `/instances/${source.id}/start`);
    return `${source.title} is started`;
  });
  /** The form below, filled so that the button there asks the server something. @param {Source} source */
  function prepare({ kind }) {
    const text = /** @type {HTMLTextAreaElement|null} */ (document.getElementById("request-text"));
    if (!text) return;
    text.value = kind.ask;
    const udp = /** @type {HTMLInputElement|null} */ (document.getElementById("request-udp"));
    if (udp) udp.checked = kind.transport === "udp";
    text.dispatchEvent(new Event("input", { bubbles: true }));
    byId("try").scrollIntoView({ block: "start" });
    byId("send").focus({ preventScroll: true });
  }

  function plan() {
    const { instance, counters } = store.state;
    const source = current();
    const state = instance?.state ?? "stopped";
    const recorded = Math.max(0, (counters.recorded ?? 0) - (source?.id === chosen ? before : 0));
    const step = stepOf({ settings: instance?.settings ?? {}, state, source, recorded });
    const running = [...known.values()].filter((entry) => entry.running);
    const now = JSON.stringify([running.map(({ id, target }) => [id, target]), source?.id, source?.running, step, state, busy, recorded > 0, instance?.address]);
    if (now === shape) return;
    shape = now;
    const had = document.activeElement instanceof HTMLElement && list.contains(document.activeElement) ? document.activeElement.dataset.do : "";
    fill(
      list,
      item(1, step, "Record a server", ...recordPart(running, source, state, step)),
      item(2, step, "Ask it something", ...(source ? askPart(source, instance?.address ?? "") : [el("p", { class: "help" }, "What passes by is written on the tape.")])),
      item(3, step, "Stop it and replay", ...(source ? replayPart(source, step) : [el("p", { class: "help" }, "The tape answers in its place.")])),
    );
    const next = had && list.querySelector(`[data-do="${had}"]:not(:disabled)`);
    if (next instanceof HTMLElement) next.focus({ preventScroll: true });
  }
  /** @param {Source[]} running @param {Source|null} source @param {string} state @param {number} step */
  function recordPart(running, source, state, step) {
    if (state !== "running") return [el("p", { class: "help" }, "Start this server first.")];
    if (!running.length && source) return [el("p", { class: "help" }, `${source.title} is stopped.`), step < 4 && el("button", { type: "button", "data-do": "again", disabled: busy, onclick: () => again(source) }, `Start ${source.title} again`)];
    if (!running.length) return [el("p", { class: "help" }, `Start ${store.state.instance?.settings.transport === "udp" ? "a UDP ping server" : "a web server or an SMTP sink"} from the overview, and it can be recorded here with one press. Or set any other target in the settings.`), el("a", { class: "button", href: "/" }, "To the overview")];
    return running.slice(0, 4).map((entry) => el("button", { type: "button", "data-do": `record-${entry.id}`, disabled: busy, class: step === 1 && entry !== source ? "primary" : "", onclick: () => record(entry) }, entry === source && store.state.instance?.settings.mode === "record" ? `● Recording ${entry.title}` : `Record ${entry.title}`));
  }
  /** @param {Source} source @param {string} address */
  function askPart(source, address) {
    const there = reachable(address, machine(page, location.hostname));
    return [
      el("p", { class: "help" }, source.kind.words),
      el("button", { type: "button", "data-do": "prepare", onclick: () => prepare(source) }, "Fill the form below"),
      source.kind.framing === "http" && there !== "" && el("a", { class: "button", href: `http://${there}/`, target: "_blank", rel: "noopener" }, "Open it in a browser"),
    ];
  }
  /** @param {Source} source @param {number} step */
  function replayPart(source, step) {
    if (step === 4) return [el("p", { class: "help" }, source.running ? "The tape answers already." : `${source.title} is gone, the tape answers. Ask the same again.`), !source.running && el("button", { type: "button", "data-do": "restart", disabled: busy, onclick: () => again(source) }, `Start ${source.title} again`)];
    return [el("p", { class: "help" }, step === 3 ? "Something is on the tape." : "Once something is on the tape."), el("button", { type: "button", "data-do": "replay", class: step === 3 ? "primary" : "", disabled: busy || step !== 3, onclick: () => replay(source) }, `Stop ${source.title} and replay`)];
  }
  plan();
  return { overview, plan };
}

/** @param {number} place @param {number} step @param {string} title @param {...(Node|false)} parts */
function item(place, step, title, ...parts) {
  const state = place < step ? "done" : place === step ? "now" : "later";
  return el("li", { "data-state": state, "aria-current": state === "now" ? "step" : null }, el("h3", {}, el("span", { class: "number", "aria-hidden": "true" }, state === "done" ? "✓" : place), title, state === "done" && el("span", { class: "unseen" }, " (done)")), ...parts);
}
