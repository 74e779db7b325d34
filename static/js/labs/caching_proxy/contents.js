/** What the cache has: a list to search, freshness that runs down, and the object that is chosen. */

import { call, words } from "../../api.js";
import { dataPath } from "../../calls.js";
import { ask } from "../../confirm.js";
import { byId, el, fill, one, say, write } from "../../dom.js";
import { count, plural, size } from "../../format.js";
import { emptyObject, showObject } from "./object.js";
import { urlView } from "./pairs.js";
import { freshnessNow } from "./words.js";

/** @typedef {import("./object.js").Stored} Stored */

const PAGE = 100;
const MOST = 1000;
const CALM = 400;
const ORDERS = [["used", "Used last"], ["stored", "Stored last"], ["hits", "Most hits"], ["size", "Largest"], ["url", "Address"]];

/** @param {import("../../keep.js").Store} store @param {import("../../types.js").Page} page */
export function mountContents(store, page) {
  const card = byId("cache");
  const path = `/instances/${page.instance?.id}`;
  const teacher = page.me?.role === "teacher";
  const search = /** @type {HTMLInputElement} */ (byId("cache-q"));
  const sort = /** @type {HTMLSelectElement} */ (byId("cache-sort"));
  const list = byId("cache-list");
  const view = byId("cache-view");
  const figures = one(card, ".figures");
  const problem = one(card, ".problem");
  const purgeAll = /** @type {HTMLButtonElement|null} */ (card.querySelector("#cache-purge-all"));
  const more = el("button", { type: "button", hidden: true, onclick: () => { limit += PAGE; read(); } }, "Show more");
  list.after(more);
  fill(sort, ...ORDERS.map(([value, title]) => el("option", { value }, title)));
  let limit = PAGE;
  let kept = 0;
  let readAt = 0;
  let chosen = 0;
  let timer = 0;
  let busy = false;
  let again = false;
  /** @type {Stored[]} */
  let shown = [];
  /** @type {((passed: number) => void)|null} runs down the chosen one's freshness */
  let tick = null;

  async function read() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const { value } = await call("GET", path + dataPath("objects", { q: search.value, sort: sort.value, limit: Math.min(limit, MOST) }));
      readAt = Date.now();
      problem.hidden = true;
      kept = value.kept;
      shown = value.objects;
      draw(value);
    } catch (error) {
      problem.hidden = false;
      write(problem, words(error));
    }
    busy = false;
    if (again) {
      again = false;
      soon();
    }
  }
  /** @param {{total: number, bytes: number}} value */
  function draw({ total, bytes }) {
    const had = list.contains(document.activeElement) ? document.activeElement?.getAttribute("data-id") : null;
    write(figures, `${total === kept ? plural(kept, "object") : `${count(total)} of ${plural(kept, "object")}`}, ${size(bytes).join(" ")}`);
    fill(list, ...(shown.length ? shown.map(entry) : [el("li", { class: "empty" }, kept ? "No object matches." : "Nothing is stored yet. Fetch something that may be stored through the proxy: an answer with Cache-Control: max-age=60, such as /demo/cache/60 of a web lab's server.")]));
    [...list.querySelectorAll("button")].find((button) => button.dataset.id === had)?.focus({ preventScroll: true });
    more.hidden = shown.length >= total || limit >= MOST;
    if (purgeAll) purgeAll.disabled = kept === 0;
    runDown();
  }
  /** @param {Stored} stored */
  function entry(stored) {
    const [amount, unit] = size(stored.size);
    const part = stored.complete ? "" : ` of ${size(stored.length).join(" ")}`;
    return el("li", {}, el(
      "button", { type: "button", "data-id": stored.id, "aria-current": String(stored.id === chosen), onclick: () => open(stored.id) },
      urlView(stored.url), el("span", { class: "hits" }, plural(stored.hits, "hit")),
      el("span", { class: "about" }, [stored.status, stored.media, `${amount} ${unit}${part}`, stored.variants > 1 ? `${stored.variants} variants` : ""].filter(Boolean).join(" · ")),
      el("span", { class: "freshwords" }), el("span", { class: "freshbar", "aria-hidden": "true" }, el("i")),
    ));
  }
  /** The bars as they are now. */
  function runDown() {
    const passed = (Date.now() - readAt) / 1000;
    for (const [place, stored] of shown.entries()) {
      const line = list.children[place];
      if (!line) break;
      const { part, state, words: said } = freshnessNow(stored, passed);
      /** @type {HTMLElement} */ (line).dataset.state = state;
      write(one(/** @type {HTMLElement} */ (line), ".freshwords"), said);
      one(/** @type {HTMLElement} */ (line), ".freshbar i").style.width = `${(100 * part).toFixed(1)}%`;
    }
    tick?.(Date.now());
  }
  /** @param {number} id @param {boolean} [focus] */
  async function open(id, focus = true) {
    chosen = id;
    for (const button of list.querySelectorAll("button")) button.setAttribute("aria-current", String(button.dataset.id === String(id)));
    try {
      const { value } = await call("GET", path + dataPath("object", { id }));
      if (chosen !== id) return;
      const purge = teacher ? el("button", { type: "button", class: "danger", onclick: () => purgeOne(value) }, "Purge…") : null;
      tick = showObject(view, value, `/api/v1${path}`, purge, (other) => open(other));
      if (focus) one(view, "h3").focus({ preventScroll: matchMedia("(min-width: 900px)").matches });
    } catch (error) {
      tick = null;
      fill(view, el("p", { class: "error", role: "alert" }, words(error)));
    }
  }
  /** What is stored of that URL: shown, or said to be absent. @param {string} url */
  async function openUrl(url) {
    search.value = url;
    await read();
    card.scrollIntoView({ block: "start" });
    const found = shown.find((stored) => stored.url === url) ?? shown[0];
    if (found) await open(found.id);
    else forget(`Of ${url} nothing is stored.`);
  }
  /** @param {string} said */
  function forget(said) {
    chosen = 0;
    tick = null;
    emptyObject(view, said);
  }
  /** @param {{url: string}} object */
  async function purgeOne(object) {
    if (await ask({ title: "Purge this object?", text: `What is stored of ${object.url} is lost for everyone; the next request fetches it anew.`, yes: "Purge the object" })) await gone("purge", { id: chosen });
  }
  async function purgeEach() {
    if (await ask({ title: "Purge the whole cache?", text: `${plural(kept, "object")} in this cache are lost for everyone; the next requests fetch them anew.`, yes: `Purge ${plural(kept, "object")}` })) await gone("purge_all", {});
  }
  /** @param {string} name @param {Record<string, any>} values */
  async function gone(name, values) {
    try {
      await call("POST", `${path}/actions/${name}`, values);
      forget("Choose a stored response.");
      say("Purged");
    } catch (error) {
      problem.hidden = false;
      write(problem, words(error));
      return;
    }
    await read();
  }
  function soon(wait = CALM) {
    timer ||= window.setTimeout(() => {
      timer = 0;
      read();
    }, wait);
  }

  search.addEventListener("input", () => soon(120));
  sort.addEventListener("change", () => read());
  purgeAll?.addEventListener("click", purgeEach);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...list.querySelectorAll("button")];
    const place = buttons.findIndex((button) => button === document.activeElement);
    if (!step || place < 0) return;
    event.preventDefault();
    const next = buttons[place + step];
    if (!next) return;
    next.focus();
    open(Number(next.dataset.id), false);
  });
  let state = store.state.instance?.state;
  store.subscribe((now, change) => {
    if (change.type === "state" && now.instance?.state !== state) {
      state = now.instance?.state;
      soon();
    }
  });
  setInterval(() => !document.hidden && runDown(), 1000);
  read();
  return { soon: () => soon(), openUrl };
}
