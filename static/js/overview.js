/** Cards of servers, on the overview and on a lab's page. */

import { call, words } from "./api.js";
import { askDelete } from "./confirm.js";
import { byId, el, fill, notice, one, write } from "./dom.js";
import { plural } from "./format.js";
import { machine, reachable } from "./reach.js";
import { createSpark } from "./spark.js";

/** @typedef {import("./types.js").Summary} Summary */
/** @typedef {import("./types.js").Page} Page */
/** @typedef {{element: HTMLElement, update: (instance: Summary) => void}} Card */

/** @param {Page} page @param {string} [lab] only this lab's servers */
export function mountCards(page, lab = "") {
  const list = byId("instances");
  const empty = byId("instances-empty");
  /** @type {Map<string, Card>} */
  const cards = new Map();
  const teacher = page.me?.role === "teacher";
  write(empty, emptyWords(teacher, lab));

  /** @param {Summary[]} instances */
  return (instances) => {
    const shown = instances.filter((instance) => !lab || instance.lab === lab);
    for (const [id, card] of cards) {
      if (shown.some((instance) => instance.id === id)) continue;
      card.element.remove();
      cards.delete(id);
    }
    for (const instance of shown) {
      let card = cards.get(instance.id);
      if (!card) {
        card = createCard(instance, page, teacher);
        cards.set(instance.id, card);
        list.append(card.element);
      }
      card.update(instance);
    }
    empty.hidden = shown.length > 0;
    dropOld(instances);
    const running = shown.filter((instance) => instance.state === "running").length;
    const note = document.getElementById("running-count");
    if (note) write(note, shown.length ? `${running} of ${plural(shown.length, "server")} running` : "");
  };
}

/** What a failed start said goes when its server runs after all, or is deleted. @param {Summary[]} instances */
function dropOld(instances) {
  for (const line of document.querySelectorAll(".error[data-about]")) {
    const about = line instanceof HTMLElement && line.dataset.about;
    if (about && !instances.some((instance) => instance.id === about && instance.state !== "running")) line.setAttribute("hidden", "");
  }
}

/** @param {boolean} teacher @param {string} lab */
function emptyWords(teacher, lab) {
  if (!teacher) return "No server yet. When the teacher starts one, it appears here by itself.";
  return lab ? "No server of this lab yet. Press Start below." : "No server yet. Press Start on one of the labs below.";
}

/** @param {Summary} first @param {Page} page @param {boolean} teacher @returns {Card} */
function createCard(first, page, teacher) {
  let instance = first;
  const spark = createSpark(page.labs[first.lab]?.spark ?? "");
  const word = el("span", {});
  const dot = el("i", { class: "dot", "aria-hidden": "true" });
  const code = el("code", {});
  const copy = el("button", { type: "button", class: "copy", "aria-label": "Copy the address", title: "Copy the address" });
  const address = el("p", { class: "address" }, code, copy);
  const error = el("p", { class: "error", role: "alert", hidden: true });
  const free = el("button", { type: "button", hidden: true });
  const turn = el("button", { type: "button", class: "turn" });
  const away = el("button", { type: "button", class: "danger", "aria-label": `Delete ${first.title}` }, "Delete…");
  const href = `/instances/${first.id}`;
  const element = el(
    "article", { class: "card instance", "data-instance": first.id },
    el("header", {}, el("h3", {}, el("a", { href }, first.title)), el("span", { class: "state", role: "status" }, dot, word)),
    address, spark.element, error,
    el("footer", {}, el("a", { class: "button primary", href }, "Open"), teacher && turn, teacher && free, el("span", { class: "grow" }), teacher && away),
  );

  /** what the last press was refused with, until the next one or a new state */
  let refused = "";
  /** @param {() => Promise<any>} work */
  async function attempt(work) {
    turn.disabled = true;
    try {
      await work();
      refused = "";
      notice("");
    } catch (problem) {
      refused = words(problem);
    }
    showTrouble();
  }
  turn.addEventListener("click", () => attempt(() => call("POST", `/instances/${instance.id}/${isUp(instance) ? "stop" : "start"}`)));
  free.addEventListener("click", () => attempt(() => usePort(instance.id, Number(free.dataset.port))));
  away.addEventListener("click", async () => {
    if (await askDelete(instance)) await attempt(() => call("DELETE", `/instances/${instance.id}`));
  });

  /** @param {Summary} next */
  function update(next) {
    if (next.state !== instance.state) refused = "";
    instance = next;
    element.dataset.state = next.state;
    dot.dataset.state = next.state;
    write(word, next.state);
    const there = reachable(next.address, machine(page, location.hostname));
    write(code, there || "no address while it is stopped");
    copy.hidden = !there;
    copy.dataset.copyText = there;
    spark.push(next.rate ?? 0);
    showTrouble();
  }

  function showTrouble() {
    const trouble = instance.state === "failed" || instance.state === "backoff" ? instance.last_error : null;
    const said = trouble ? [trouble.message, trouble.hint].filter(Boolean).join(" ") : refused;
    error.hidden = !said;
    write(error, said);
    offer(free, trouble);
    write(turn, isUp(instance) ? "Stop" : "Start");
    turn.disabled = instance.state === "stopping";
  }
  return { element, update };
}

/** @param {{state: string}} instance */
export function isUp(instance) {
  return ["running", "starting", "backoff"].includes(instance.state);
}

/** Offer a free port, if the trouble names one. @param {HTMLButtonElement} button @param {import("./types.js").Trouble|null|undefined} trouble */
export function offer(button, trouble) {
  button.hidden = !trouble?.port;
  if (!trouble?.port) return;
  button.dataset.port = String(trouble.port);
  write(button, `Use ${trouble.port}`);
}

/** Start a kept instance on another port. @param {string} id @param {number} port */
export async function usePort(id, port) {
  await call("PATCH", `/instances/${id}`, { settings: { port } });
  return call("POST", `/instances/${id}/start`);
}

/**
 * Start a server of a lab and open its page; on trouble say it, and offer a free port.
 * @param {string} lab @param {Record<string, any>} settings @param {HTMLButtonElement} button
 * @param {HTMLElement} line @param {(faults: import("./api.js").Fault[]) => {message: string}[]} [place]
 */
export async function startLab(lab, settings, button, line, place = (faults) => faults) {
  button.disabled = true;
  line.hidden = true;
  place([]);
  try {
    const instance = await call("POST", "/instances", { lab, settings });
    location.assign(`/instances/${instance.id}`);
    return;
  } catch (problem) {
    const error = /** @type {import("./api.js").ApiError} */ (problem);
    const port = error.instance?.last_error?.port;
    const rest = error.faults && !port ? place(error.faults) : [];
    line.hidden = rest.length === 0 && Boolean(error.faults);
    fill(line, words(error) + " ");
    line.dataset.about = error.instance?.id ?? "";
    if (error.instance && port) {
      line.hidden = false;
      const id = error.instance.id;
      const use = el("button", { type: "button" }, `Use ${port}`);
      use.addEventListener("click", () => usePort(id, port).then(() => location.assign(`/instances/${id}`), (e) => fill(line, words(e))));
      line.append(use);
    }
  }
  button.disabled = false;
}

/**
 * The port for one more server of a lab: the lab's own, or the next that no running server here has.
 * Pure. @param {number} wanted @param {{address: string, state: string}[]} instances
 */
export function portFor(wanted, instances) {
  const taken = new Set(instances.filter((one) => one.state !== "stopped").map((one) => Number(one.address.split(":").at(-1))));
  let port = wanted;
  while (port > 0 && taken.has(port) && port < 65535) port += 1;
  return port;
}

/**
 * The big Start on each lab's card. A second server of a lab gets the next port by itself.
 * @param {Page} page @param {() => Summary[]} known the instances there are
 */
export function mountStarts(page, known) {
  for (const button of document.querySelectorAll("button[data-start]")) {
    if (!(button instanceof HTMLButtonElement)) continue;
    const card = /** @type {HTMLElement} */ (button.closest(".card"));
    button.addEventListener("click", () => {
      const lab = button.dataset.start ?? "";
      const own = page.labs[lab]?.port ?? 0;
      const port = portFor(own, known());
      startLab(lab, port === own ? {} : { port }, button, one(card, ".error"));
    });
  }
}
