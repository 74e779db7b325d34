/** What the cache has: a list to search, freshness that runs down, and the object that is chosen. */

import { call, words } from "../../api.js";
import { dataPath } from "../../calls.js";
import { byId, el, fill, one, write } from "../../dom.js";
import { count, plural, size } from "../../format.js";
import { createSoon } from "../../soon.js";
import { showObject, sizeWords } from "./object.js";
import { urlView } from "./pairs.js";
import { purgeEach, purgeOne } from "./purge.js";
import { freshnessNow } from "./words.js";

/** @typedef {import("./object.js").Stored} Stored */

const PAGE = 100;
const MOST = 1000;
const CALM = 400;
const FLUSHED = 1500;
const ORDERS = [["used", "Used last"], ["hits", "Most hits"], ["size", "Largest"], ["age", "Oldest"]];

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
  let seen = "";
  let late = 0;
  let busy = false;
  let again = false;
  const later = createSoon(() => read());
  const soon = (wait = CALM) => later(wait);
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
      const q = search.value.trim();
      const { value } = await call("GET", path + dataPath("objects", { q, sort: sort.value, limit: Math.min(limit, MOST) }));
      const all = q ? (await call("GET", path + dataPath("objects", { limit: 1 }))).value : value;
      readAt = Date.now();
      problem.hidden = true;
      kept = all.total;
      shown = value.objects;
      draw(value.total, all.bytes);
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
  /** @param {number} total that match @param {number} bytes of all */
  function draw(total, bytes) {
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
    const about = [stored.status, stored.media, sizeWords(stored), stored.method === "GET" ? "" : stored.method, stored.variant].filter(Boolean).join(" · ");
    return el("li", {}, el(
      "button", { type: "button", "data-id": stored.id, "aria-current": String(stored.id === chosen), onclick: () => open(stored.id) },
      urlView(stored.url), el("span", { class: "hits" }, plural(stored.hits, "hit")),
      el("span", { class: "line" }, el("span", { class: "about" }, about), el("span", { class: "freshwords" })), el("span", { class: "freshbar", "aria-hidden": "true" }, el("i")),
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
    follow();
  }
  /** @param {number} id @param {boolean} [focus] */
  async function open(id, focus = true) {
    chosen = id;
    for (const button of list.querySelectorAll("button")) button.setAttribute("aria-current", String(button.dataset.id === String(id)));
    try {
      const { value } = await call("GET", path + dataPath("object", { id }));
      const others = value.variants.length > 1 ? (await call("GET", path + dataPath("objects", { q: value.url, limit: PAGE }))).value.objects : [];
      if (chosen !== id || (!focus && view.contains(document.activeElement))) return; // somebody is at it
      const purge = teacher ? el("button", { type: "button", class: "danger", onclick: async () => purged(await purgeOne(path, value)) }, "Purge…") : null;
      const rest = others.filter((/** @type {Stored} */ other) => other.url === value.url && other.id !== id);
      tick = showObject(view, value, rest, { base: `/api/v1${path}`, purge, open: (other) => open(other) });
      seen = shapeOf(value, 0);
      tick(Date.now());
      if (focus) one(view, "h3").focus({ preventScroll: matchMedia("(min-width: 900px)").matches });
    } catch (error) {
      if (chosen === id) forget(words(error));
    }
  }
  /** What is told of an object beside its age; another shape asks for it to be read again. @param {Stored} stored @param {number} passed seconds since it was read */
  const shapeOf = (stored, passed) => [stored.id, stored.hits, stored.size, stored.stored, freshnessNow(stored, passed).state].join(" ");
  /** The chosen one is shown as it is now, unless somebody is just at it. */
  function follow() {
    const now = chosen && shown.find(({ id }) => id === chosen);
    if (now && shapeOf(now, (Date.now() - readAt) / 1000) !== seen && !view.contains(document.activeElement)) open(chosen, false);
  }
  /** What is stored of that URL: shown, or said to be absent. @param {string} url */
  async function openUrl(url) {
    search.value = url;
    await read();
    card.scrollIntoView({ block: "start" });
    const found = shown.find((stored) => stored.url === url);
    if (found) await open(found.id);
    else forget(`Of ${url} nothing is stored.`);
  }
  /** @param {string} said */
  function forget(said) {
    chosen = 0;
    tick = null;
    fill(view, el("p", { class: "empty" }, said));
  }
  /** @param {boolean|Error} done */
  function purged(done) {
    problem.hidden = !(done instanceof Error);
    if (done instanceof Error) write(problem, words(done));
    else if (done) {
      forget("Choose a stored response.");
      read();
    }
  }
  /** Something happened to the cache: read now, and again once the server has noted who used what. */
  function touched() {
    soon();
    clearTimeout(late);
    late = window.setTimeout(read, FLUSHED);
  }

  search.addEventListener("input", () => soon(120));
  sort.addEventListener("change", () => read());
  purgeAll?.addEventListener("click", async () => purged(await purgeEach(path, kept)));
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
  return { touched, openUrl };
}
