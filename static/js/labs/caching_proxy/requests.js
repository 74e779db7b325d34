/** The list of requests with the cache's verdicts, to filter, and the one that is chosen. */

import { byId, el, fill, one, write } from "../../dom.js";
import { clock, count, milliseconds, plural, size } from "../../format.js";
import { connectionOf } from "../../newest.js";
import { personOf } from "../../people.js";
import { verdictBadge } from "./marks.js";
import { urlView } from "./pairs.js";
import { routeOf } from "./route.js";
import { lookOf, NAMES } from "./verdicts.js";

/** @typedef {import("./model.js").Asked} Asked */

const PAGE = 50;
const OFFERED = 30;
const GAP = 250;

/**
 * @param {import("./model.js").Model} model @param {import("../../keep.js").Store} store
 * @param {(url: string) => void} openObject shows what the cache has of a URL
 */
export function mountRequests(model, store, openObject) {
  const card = byId("requests");
  const search = /** @type {HTMLInputElement} */ (byId("asked-url"));
  const verdicts = /** @type {HTMLSelectElement} */ (byId("asked-verdict"));
  const conns = /** @type {HTMLSelectElement} */ (byId("asked-conn"));
  const figures = one(card, ".figures");
  const list = byId("asked-list");
  const view = byId("asked-view");
  const more = el("button", { type: "button", hidden: true, onclick: () => { limit += PAGE; plan(); } }, "Show more");
  const empty = el("p", { class: "empty" });
  list.after(empty, more);
  const sides = [["", "Every verdict"], ["cache", "From the cache"], ["origin", "From the origin"]];
  fill(verdicts, ...sides.map(([value, words]) => el("option", { value }, words)), ...NAMES.map((name) => el("option", { value: name }, `${name}: ${lookOf(name).short}`)));
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
    const { shown, total } = model.newest({ verdict: verdicts.value, url: search.value, conn: conns.value }, limit);
    const all = model.requests.length;
    write(figures, total === all ? plural(all, "request") : `${count(total)} of ${plural(all, "request")}`);
    offer();
    place(shown);
    empty.hidden = total > 0;
    write(empty, all ? "No request passes the filter." : "No requests yet. Each comes here with its verdict: what the cache did, and why.");
    more.hidden = shown.length >= total;
  }
  /** Only what changed is touched: the one that has the focus keeps it. @param {Asked[]} shown */
  function place(shown) {
    const wanted = new Set(shown.map((entry) => String(entry.n)));
    for (const line of [...list.children]) if (!wanted.has(/** @type {HTMLElement} */ (line).dataset.n ?? "")) line.remove();
    let next = list.firstElementChild;
    for (const entry of shown) {
      if (next instanceof HTMLElement && next.dataset.n === String(entry.n)) next = next.nextElementSibling;
      else list.insertBefore(row(entry), next);
    }
  }
  /** @param {Asked} entry */
  function row(entry) {
    const [amount, unit] = size(entry.size);
    return el("li", { "data-n": entry.n }, el(
      "button", { type: "button", "aria-current": String(entry.n === chosen), "data-verdict": entry.verdict, onclick: () => open(entry) },
      verdictBadge(entry.verdict), el("span", { class: "what" }, el("b", {}, entry.method), " ", urlView(entry.url)),
      el("span", { class: "status" }, entry.status || "–"), el("span", { class: "size" }, `${amount} ${unit}`), el("span", { class: "ms" }, milliseconds(entry.ms)),
      el("span", { class: "when" }, clock(entry.t, 0)), el("span", { class: "why" }, entry.reason || lookOf(entry.verdict).short), el("span", { class: "from" }, who(entry)),
      el("span", { class: "originms" }, entry.originMs === null ? "" : el("span", { title: "until the origin's head came" }, `origin ${milliseconds(entry.originMs)}`)),
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
  /** @param {Asked} entry @param {boolean} [focus] */
  function open(entry, focus = true) {
    chosen = entry.n;
    for (const line of list.children) line.firstElementChild?.setAttribute("aria-current", String(/** @type {HTMLElement} */ (line).dataset.n === String(entry.n)));
    const others = model.connections(Infinity).find(({ key }) => key === connectionOf(entry))?.count ?? 1;
    const person = personOf(store.state, entry.peer);
    const look = lookOf(entry.verdict);
    fill(
      view,
      el("header", {}, verdictBadge(entry.verdict), el("h3", { tabindex: "-1" }, `${entry.method} ${entry.url}`)),
      el("div", { class: "told" }, routeOf(entry), el("p", { class: "reason" }, entry.reason ? `${upper(entry.reason)}.` : ""), el("p", { class: "help" }, look.words)),
      factsOf(entry, person),
      el("div", { class: "actions" },
        /^http:/i.test(entry.url) && el("button", { type: "button", onclick: () => openObject(entry.url) }, "Show it in the cache"),
        el("button", { type: "button", onclick: () => { search.value = entry.url; conns.value = verdicts.value = ""; plan(); } }, "All of this address"),
        others > 1 && el("button", { type: "button", onclick: () => { search.value = verdicts.value = ""; keepConn(entry); plan(); } }, `All ${others} of this connection`)),
    );
    view.scrollIntoView({ block: "nearest" });
    if (focus) one(view, "h3").focus({ preventScroll: true });
  }
  /** @param {Asked} entry */
  function keepConn(entry) {
    const key = connectionOf(entry);
    if (![...conns.options].some((option) => option.value === key)) conns.append(el("option", { value: key }, key));
    conns.value = key;
  }

  for (const control of [search, verdicts, conns]) control.addEventListener("input", () => {
    limit = PAGE;
    plan();
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...list.querySelectorAll("button")];
    const at = buttons.findIndex((button) => button === document.activeElement);
    const next = step && at >= 0 ? buttons[at + step] : undefined;
    if (!step || at < 0) return;
    event.preventDefault();
    next?.focus();
    const entry = model.requests.find(({ n }) => String(n) === next?.parentElement?.dataset.n);
    if (entry) open(entry, false);
  });
  plan();
  return {
    plan, open,
    /** The model was emptied. */
    reset() {
      list.replaceChildren();
    },
  };
}

/** @param {Asked} entry @param {string} person */
function factsOf(entry, person) {
  const facts = /** @type {[string, string][]} */ ([
    ["time", clock(entry.t)], ["client", person ? `${person} (${entry.peer})` : entry.peer], ["connection", `${entry.conn}, its request ${entry.number}`],
    ["status", entry.status ? String(entry.status) : "none"], ["body", size(entry.size).join(" ")], ["of it saved", size(entry.saved).join(" ")],
    ["answered after", milliseconds(entry.ms)], ["origin's head after", entry.originMs === null ? "not asked" : milliseconds(entry.originMs)],
    ["origin", entry.origin || "not asked"], ["age", entry.age === null ? "–" : `${count(entry.age)} s`],
    ["fresh for", entry.ttl === null ? "–" : entry.ttl < 0 ? `stale for ${count(-entry.ttl)} s` : `${count(entry.ttl)} s more`], ["in the cache now", entry.stored ? "yes" : "no"],
  ]);
  return el("dl", { class: "facts" }, ...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** @param {string} text */
function upper(text) {
  return text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, "");
}
