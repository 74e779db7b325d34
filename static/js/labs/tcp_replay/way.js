/** The picture on top: client, Socket Lab with its tape, target; what passes between them, and what is done to it. */

import { call, words } from "../../api.js";
import { el, fill, say, write } from "../../dom.js";
import { count, plural } from "../../format.js";
import { machine, reachable } from "../../reach.js";
import { faultSign } from "./marks.js";
import { createReel } from "./reel.js";
import { faultsOf, MODES, modeWords, tapeName, wayOf } from "./words.js";

/** @typedef {import("./words.js").Fault} Fault */

const GAP = 150;
const FRESH = 3000;

/**
 * @param {HTMLElement} element @param {import("./model.js").Model} model @param {import("../../keep.js").Store} store
 * @param {import("../../types.js").Page} page
 */
export function mountWay(element, model, store, page) {
  const teacher = page.me?.role === "teacher";
  const modes = MODES.map(([mode, title, help]) => el("button", { type: "button", "data-mode": mode, "aria-pressed": "false", disabled: !teacher, onclick: () => set(mode) }, el("span", { class: "word" }, title), el("small", {}, help)));
  const control = el("div", { class: "modes", role: "group", "aria-label": teacher ? "Mode" : "Mode, set by the teacher" }, ...modes);
  const problem = el("p", { class: "error", role: "alert", hidden: true });
  const sentence = el("p", { class: "sentence", role: "status" });
  const reel = createReel();
  const tape = el("span", { class: "tapename" });
  const amount = el("span", { class: "tapecount" });
  const client = station("Client", "client");
  const target = station("Target", "target");
  const lab = el("div", { class: "station lab" }, el("b", {}, "Socket Lab"), reel.element, el("span", { class: "tapeline" }, tape, amount));
  const lanes = { near: lane(), far: lane() };
  const way = el("div", { class: "way" }, client.element, lanes.near.element, lab, lanes.far.element, target.element);
  const faults = el("ul", { class: "wayfaults", "aria-label": "Faults on the way" });
  fill(element, el("div", { class: "headline" }, el("h2", {}, "The way")), control, problem, sentence, way, faults);
  let asked = 0;
  let drawn = 0;
  let path = "";
  let held = 0;

  /** @param {string} mode */
  async function set(mode) {
    problem.hidden = true;
    try {
      const instance = await call("PATCH", `/instances/${store.state.instance?.id}`, { settings: { mode } });
      store.dispatch({ type: "state", instance });
      say(modeWords(instance.settings));
    } catch (error) {
      problem.hidden = false;
      write(problem, words(error));
    }
  }
  function plan() {
    asked ||= window.setTimeout(() => requestAnimationFrame(draw), Math.max(0, drawn + GAP - performance.now()));
  }
  function draw() {
    asked = 0;
    drawn = performance.now();
    const { instance, counters } = store.state;
    const settings = instance?.settings ?? {};
    const mode = String(settings.mode ?? "");
    const running = instance?.state === "running";
    for (const button of modes) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    const used = wayOf(mode);
    way.dataset.mode = mode;
    way.dataset.running = String(running);
    write(client.about, running ? `${count(counters.open ?? 0)} open` : "cannot connect");
    write(target.about, String(settings.target ?? ""));
    write(target.note, used.target ? `${settings.transport ?? "tcp"}`.toUpperCase() : "not asked");
    target.element.dataset.off = String(!used.target);
    const kept = running ? (counters.on_tape ?? 0) : held;
    reel.show(kept, running ? mode : "", model.turns);
    write(tape, tapeName(path || String(settings.tape ?? "") || "tape.jsonl"));
    tape.title = path;
    write(amount, plural(kept, "exchange"));
    const up = faultsOf(settings, "upstream");
    const down = faultsOf(settings, "downstream");
    lanes.near.show(used.target ? [] : up, down, true); // without a target they act on what the tape hears
    lanes.far.show(used.target ? up : [], [], used.target);
    showFaults(up, down);
    write(sentence, running ? modeWords(settings) : `The server is not running. ${teacher ? "Start it above, then: " : ""}${modeWords(settings)}`);
    write(client.note, running && instance ? `to ${reachable(instance.address, machine(page, location.hostname))}` : "");
  }
  /** @param {Fault[]} up @param {Fault[]} down */
  function showFaults(up, down) {
    const struck = model.struck && Date.now() / 1000 - model.struck.t < FRESH / 1000 ? model.struck : null;
    const line = (/** @type {Fault[]} */ list, /** @type {string} */ side, /** @type {string} */ title) => list.length > 0 && el(
      "li", { "data-way": side, "data-struck": String(struck?.way === side) },
      el("b", {}, title), ...list.map((fault) => el("span", { class: fault.hard ? "fault hard" : "fault" }, faultSign(fault), el("span", { class: "unseen" }, `${fault.name}: `), fault.words)),
    );
    const shape = JSON.stringify([up, down, struck]);
    if (faults.dataset.shape === shape) return;
    faults.dataset.shape = shape;
    fill(faults, line(up, "to_server", "To the server →"), line(down, "to_client", "← To the client"));
    faults.hidden = !up.length && !down.length;
  }
  plan();
  return {
    plan,
    /** @param {{path: string, count: number}} known */
    tape(known) {
      path = known.path;
      held = known.count;
      plan();
    },
  };
}

/** @param {string} name @param {string} kind */
function station(name, kind) {
  const about = el("span", { class: "about" });
  const note = el("span", { class: "note" });
  return { element: el("div", { class: `station ${kind}` }, el("b", {}, name), about, note), about, note };
}

/** Two arrows between two stations; what is done to them stands on them. */
function lane() {
  const out = el("div", { class: "arrow out" });
  const back = el("div", { class: "arrow back" });
  const element = el("div", { class: "lane", "aria-hidden": "true" }, out, back);
  /** @param {HTMLElement} arrow @param {Fault[]} faults */
  function mark(arrow, faults) {
    const shape = faults.map(({ name, words: said }) => `${name} ${said}`).join("|");
    if (arrow.dataset.shape === shape) return;
    arrow.dataset.shape = shape;
    for (const name of ["latency", "bandwidth", "slicer", "reset", "timeout"]) arrow.classList.toggle(name, faults.some((fault) => fault.name === name));
    fill(arrow, el("i", { class: "line" }), el("span", { class: "signs" }, ...faults.map((fault) => el("span", { class: fault.hard ? "hard" : "", title: `${fault.name}: ${fault.words}` }, faultSign(fault)))));
  }
  return {
    element,
    /** @param {Fault[]} up @param {Fault[]} down @param {boolean} used */
    show(up, down, used) {
      element.dataset.used = String(used);
      mark(out, up);
      mark(back, down);
    },
  };
}
