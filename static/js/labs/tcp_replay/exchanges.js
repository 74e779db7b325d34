/** The list of what was recorded and replayed, to filter, and the one that is chosen. */

import { byId, el, fill, one, write } from "../../dom.js";
import { clock, count, milliseconds, plural } from "../../format.js";
import { connectionOf } from "../../newest.js";
import { personOf } from "../../people.js";
import { showExchange } from "./exchange.js";
import { outcomeBadge } from "./marks.js";
import { lookOf, NAMES } from "./outcomes.js";
import { sizeWords, tapeWords } from "./words.js";

/** @typedef {import("./model.js").Exchanged} Exchanged */

const PAGE = 50;
const OFFERED = 30;
const GAP = 200;

/**
 * @param {import("./model.js").Model} model @param {import("../../keep.js").Store} store @param {import("../../types.js").Page} page
 * @param {(id: number) => void} openTape shows an exchange of the tape
 */
export function mountExchanges(model, store, page, openTape) {
  const card = byId("exchanges");
  const search = /** @type {HTMLInputElement} */ (byId("exchange-text"));
  const outcomes = /** @type {HTMLSelectElement} */ (byId("exchange-outcome"));
  const conns = /** @type {HTMLSelectElement} */ (byId("exchange-conn"));
  const figures = one(card, ".figures");
  const list = byId("exchange-list");
  const view = byId("exchange-view");
  const more = el("button", { type: "button", hidden: true, onclick: () => { limit += PAGE; plan(); } }, "Show more");
  const empty = el("p", { class: "empty" });
  list.after(empty, more);
  fill(outcomes, el("option", { value: "" }, "Every outcome"), ...NAMES.map((name) => el("option", { value: name }, upper(lookOf(name).word))));
  let limit = PAGE;
  let chosen = 0;
  let asked = 0;
  let drawn = 0;
  let offered = "";

  const who = (/** @type {{peer: string}} */ { peer }) => personOf(store.state, peer) || peer;

  function plan() {
    asked ||= window.setTimeout(() => requestAnimationFrame(draw), Math.max(0, drawn + GAP - performance.now()));
  }
  function draw() {
    asked = 0;
    drawn = performance.now();
    const { shown, total } = model.newest({ outcome: outcomes.value, text: search.value, conn: conns.value }, limit);
    const all = model.exchanges.length;
    write(figures, total === all ? plural(all, "exchange") : `${count(total)} of ${plural(all, "exchange")}`);
    offer();
    place(shown);
    empty.hidden = total > 0;
    write(empty, all ? "No exchange passes the filter." : emptyWords());
    more.hidden = shown.length >= total;
  }
  function emptyWords() {
    if (store.state.instance?.state !== "running") return "No exchanges yet, and the server is not running.";
    return `No exchanges yet. Connect a client to ${store.state.instance.address}, or press «${page.lab?.view.primary ?? "Send"}» below: each request comes here with what was said to it.`;
  }
  /** Only what changed is touched: the one that has the focus keeps it. @param {Exchanged[]} shown */
  function place(shown) {
    const wanted = new Set(shown.map((entry) => String(entry.n)));
    for (const line of [...list.children]) if (!wanted.has(/** @type {HTMLElement} */ (line).dataset.n ?? "")) line.remove();
    let next = list.firstElementChild;
    for (const entry of shown) {
      if (next instanceof HTMLElement && next.dataset.n === String(entry.n)) next = next.nextElementSibling;
      else list.insertBefore(row(entry), next);
    }
  }
  /** @param {Exchanged} entry */
  function row(entry) {
    return el("li", { "data-n": entry.n }, el(
      "button", { type: "button", "aria-current": String(entry.n === chosen), "data-outcome": entry.outcome, onclick: () => open(entry) },
      outcomeBadge(entry.outcome),
      el("span", { class: "asked" }, el("span", { class: "unseen" }, "Request: "), entry.greeting ? el("em", {}, "the server spoke first") : el("code", {}, entry.first || "(no bytes)")),
      el("span", { class: "answered" }, el("span", { class: "unseen" }, "Response: "), entry.received.size ? el("code", {}, entry.answer) : el("em", {}, entry.reason || "nothing")),
      el("span", { class: "ms" }, timeWords(entry)),
      el("span", { class: "when" }, clock(entry.t, 0)), el("span", { class: "askedsize" }, sizeWords(entry.sent.size)), el("span", { class: "answeredsize" }, sizeWords(entry.received.size)),
      el("span", { class: "number" }, tapeWords(entry)),
    ));
  }
  function offer() {
    const found = model.connections(OFFERED);
    const shape = found.map((entry) => `${entry.key} ${entry.count}`).join("|");
    if (shape === offered || document.activeElement === conns) return;
    offered = shape;
    const { value } = conns;
    fill(conns, el("option", { value: "" }, "Every connection"), ...found.map((entry) => el("option", { value: entry.key }, `${entry.conn} · ${who(entry)} · ${entry.count}`)));
    if (value && !found.some(({ key }) => key === value)) conns.append(el("option", { value }, value));
    conns.value = value;
  }
  /** @param {Exchanged} entry @param {boolean} [focus] */
  function open(entry, focus = true) {
    chosen = entry.n;
    for (const line of list.children) line.firstElementChild?.setAttribute("aria-current", String(/** @type {HTMLElement} */ (line).dataset.n === String(entry.n)));
    const person = personOf(store.state, entry.peer);
    const others = model.connections(Infinity).find(({ key }) => key === connectionOf(entry))?.count ?? 1;
    const id = entry.tape || entry.near;
    showExchange(view, entry, {
      path: `/instances/${page.instance?.id}`, who: person ? `${person} (${entry.peer})` : entry.peer, current: () => chosen === entry.n,
      actions: [
        id > 0 && el("button", { type: "button", onclick: () => openTape(id) }, entry.tape ? `Show no. ${id} on the tape` : `Show the nearest, no. ${id}, on the tape`),
        others > 1 && el("button", { type: "button", onclick: () => keepConn(entry) }, `All ${count(others)} of this connection`),
      ],
    });
    if (!focus) return;
    view.scrollIntoView({ block: "nearest" });
    one(view, "h3").focus({ preventScroll: true });
  }
  /** @param {Exchanged} entry */
  function keepConn(entry) {
    search.value = outcomes.value = "";
    const key = connectionOf(entry);
    if (![...conns.options].some((option) => option.value === key)) conns.append(el("option", { value: key }, key));
    conns.value = key;
    plan();
  }

  for (const control of [search, outcomes, conns]) control.addEventListener("input", () => {
    limit = PAGE;
    plan();
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...list.querySelectorAll("button")];
    const now = buttons.findIndex((button) => button === document.activeElement);
    const next = step && now >= 0 ? buttons[now + step] : null;
    if (!next) return;
    event.preventDefault();
    next.focus();
    const entry = model.exchanges.find(({ n }) => String(n) === next.parentElement?.dataset.n);
    if (entry) open(entry, false);
  });
  plan();
  return {
    plan,
    /** The model was emptied. */
    reset() {
      list.replaceChildren();
      plan();
    },
  };
}

/** How long the answer took; a tape needs no time. @param {Exchanged} entry */
function timeWords({ ms, outcome }) {
  return ms > 0 ? milliseconds(ms) : outcome === "hit" ? "at once" : "–";
}

/** @param {string} text */
function upper(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
