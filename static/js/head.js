/** The server's header: state, address, uptime, what went wrong, start and stop. */

import { call } from "./api.js";
import { attempt } from "./attempt.js";
import { askDelete } from "./confirm.js";
import { all, byId, notice, one, say, write } from "./dom.js";
import { duration } from "./format.js";
import { isUp, offer, usePort } from "./overview.js";
import { machine, reachable } from "./reach.js";

/** @typedef {import("./types.js").Instance} Instance */

/** @param {HTMLElement} element @param {import("./keep.js").Store} store @param {import("./types.js").Page} page */
export function mountHead(element, store, page) {
  const trouble = byId("trouble");
  const port = /** @type {HTMLButtonElement} */ (one(trouble, "button"));
  const buttons = /** @type {HTMLButtonElement[]} */ (all(element, "[data-do]"));
  let told = store.state.instance?.state ?? "stopped";
  let since = startOf(store.state.instance);
  let busy = false;

  /** @param {() => Promise<any>} work */
  async function busily(work) {
    busy = true;
    show();
    await attempt(work);
    busy = false;
    show();
  }

  for (const button of buttons) {
    button.addEventListener("click", async () => {
      const instance = store.state.instance;
      if (!instance) return;
      if (button.dataset.do !== "delete") {
        await busily(() => call("POST", `/instances/${instance.id}/${button.dataset.do}`));
      } else if (await askDelete(instance)) {
        await busily(() => call("DELETE", `/instances/${instance.id}`).then(() => location.assign("/")));
      }
    });
  }
  port.addEventListener("click", () => busily(() => usePort(store.state.instance?.id ?? "", Number(port.dataset.port))));

  function show() {
    const instance = store.state.instance;
    if (!instance) return;
    for (const place of [byId("state"), one(byId("state"), ".dot")]) place.dataset.state = instance.state;
    write(one(byId("state"), "span"), stateWords(instance));
    byId("address").hidden = !instance.address;
    write(one(byId("address"), "code"), reachable(instance.address, machine(page, location.hostname)));
    write(byId("command"), instance.command);
    write(byId("run"), runWords(instance));
    showTrouble(instance);
    for (const button of buttons) button.disabled = busy || !allowed(button.dataset.do ?? "", instance);
    document.title = `${instance.title}: ${instance.state} · Socket Lab`;
    if (told !== instance.state) say(`${instance.title} is ${stateWords(instance)}`);
    told = instance.state;
  }

  /** @param {Instance} instance */
  function showTrouble(instance) {
    const error = instance.state === "running" ? null : instance.last_error;
    const gone = store.state.link === "gone";
    const tail = error && instance.log_tail && !error.message.includes(instance.log_tail) ? `Its last words: ${instance.log_tail}` : "";
    trouble.hidden = !error && !gone;
    const text = gone ? "This server was deleted." : [error?.message, error?.hint, tail].filter(Boolean).join(" ");
    write(one(trouble, "p"), text);
    if (error && byId("notice").textContent?.startsWith(error.message)) notice(""); // said here already
    offer(port, gone || !buttons.length ? null : error);
  }

  function tick() {
    const instance = store.state.instance;
    write(byId("uptime"), instance?.state === "running" && since ? `up ${duration(Date.now() / 1000 - since)}` : "");
  }

  store.subscribe((state, change) => {
    if (!["state", "snapshot", "link"].includes(change.type)) return;
    since = startOf(state.instance);
    show();
    tick();
  });
  setInterval(tick, 1000);
  show();
  tick();
}

/** When the run began, by this machine's clock. @param {Instance|null} instance */
function startOf(instance) {
  if (!instance) return 0;
  return instance.uptime !== null ? Date.now() / 1000 - instance.uptime : (instance.started ?? 0);
}

/** @param {Instance} instance */
function stateWords(instance) {
  if (instance.state === "backoff") {
    const wait = instance.retry_in ? ` in ${Math.ceil(instance.retry_in)} s` : "";
    return `crashed, starts again${wait}`;
  }
  return instance.state;
}

/** @param {Instance} instance */
function runWords(instance) {
  const parts = [];
  if (instance.run) parts.push(`run ${instance.run}`);
  if (instance.pid) parts.push(`pid ${instance.pid}`);
  if (instance.seed !== null && instance.seed !== undefined) parts.push(`seed ${instance.seed}`);
  return parts.join(" · ");
}

/** @param {string} action @param {Instance} instance */
function allowed(action, instance) {
  if (action === "start") return instance.state === "stopped" || instance.state === "failed";
  if (action === "stop") return isUp(instance);
  if (action === "restart") return isUp(instance);
  return true;
}
