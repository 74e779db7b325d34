/** The traffic log: toolbar, the rows that are visible, details of the chosen one. */

import { byId, el, fill, write } from "./dom.js";
import { showDetail } from "./detail.js";
import { parseFilter, passes } from "./filter.js";
import { count } from "./format.js";
import { personOf } from "./people.js";
import { inTerminal } from "./reach.js";
import { createRows } from "./rows.js";

/** @typedef {import("./types.js").Event} Event */
/** @typedef {{event: Event, since: number, person: string}} Row */

const LIMIT = 10_000;

/** @param {HTMLElement} element @param {import("./keep.js").Store} store @param {import("./types.js").Page} page */
export function mountTraffic(element, store, page) {
  const quiet = new Set(page.lab?.view.quiet ?? []);
  const filter = el("input", { type: "search", id: "filter", placeholder: "peer: kind: way: request: n: or text; - leaves out", "aria-label": "Filter the traffic", autocomplete: "off", spellcheck: "false" });
  const pause = el("button", { type: "button", id: "pause", "aria-pressed": "false", title: "Pause log and chart (p)" }, "Pause");
  const all = el("input", { type: "checkbox", id: "all-kinds" });
  const follow = el("button", { type: "button", class: "follow primary", hidden: true });
  const shown = el("span", { class: "help", role: "status" });
  const lost = el("p", { class: "lost", hidden: true });
  const detail = el("div", { class: "detail", hidden: true, role: "region", "aria-label": "The chosen event" });
  const empty = el("p", { class: "empty" });
  const base = `/api/v1/instances/${page.instance?.id}`;
  const list = el("div", { class: "listbox" });
  fill(
    element,
    el("div", { class: "toolbar" }, el("h2", { id: "traffic-title" }, "Traffic"), filter,
      quiet.size > 0 && el("label", { class: "check", title: [...quiet].join(", ") }, all, "quiet kinds"), pause,
      el("span", { class: "exports" }, "Export ", el("a", { href: `${base}/export.csv`, download: "" }, "CSV"), " ", el("a", { href: `${base}/export.json`, download: "" }, "JSON"),
        ...(page.lab?.exports ?? []).flatMap((own) => [" ", el("a", { href: `${base}/export.${own.name}`, download: "" }, own.title)])), shown),
    lost, list, detail,
  );
  const rows = createRows(list, { follow, empty, onOpen: (row) => showDetail(detail, row, store, rows.close), onClose: () => { detail.hidden = true; } });

  /** @type {Row[]} */
  let known = [];
  /** @type {Row[]} */
  let fresh = [];
  let terms = parseFilter("");
  let origin = store.state.instance?.started ?? 0;
  let asked = 0;
  let again = false;

  /** @param {Event} event @returns {Row} */
  function toRow(event) {
    if (event.kind === "server_listening" || !origin) origin = event.t;
    return { event, since: event.t - origin, person: personOf(store.state, event.peer) };
  }
  const wanted = (/** @type {Row} */ row) => (all.checked || !quiet.has(row.event.kind)) && passes(terms, row.event, row.person);

  /** @param {Event[]} events @param {boolean} replaced */
  function take(events, replaced) {
    if (replaced) {
      known = [];
      fresh = [];
      again = true;
      origin = events[0]?.t ?? 0;
    }
    const added = events.map(toRow);
    known = known.concat(added).slice(-LIMIT);
    fresh = fresh.concat(added).slice(-LIMIT);
  }

  function draw() {
    asked = 0;
    if (store.state.paused && !again) return;
    if (again) rows.replace(known.filter(wanted));
    else if (fresh.length) rows.append(fresh.filter(wanted), LIMIT);
    again = false;
    fresh = [];
    write(shown, rows.count() === known.length ? `${count(known.length)} events` : `${count(rows.count())} of ${count(known.length)} events`);
    write(empty, emptyWords(known.length, store, page));
    const dropped = store.state.dropped;
    lost.hidden = dropped === 0;
    write(lost, `${count(dropped)} details not recorded: they came faster than they can be told. The counters are exact.`);
  }
  function plan(refilter = false) {
    again ||= refilter;
    asked ||= requestAnimationFrame(draw);
  }

  filter.addEventListener("input", () => {
    terms = parseFilter(filter.value);
    plan(true);
  });
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Escape") filter.blur();
  });
  all.addEventListener("change", () => plan(true));
  pause.addEventListener("click", () => store.dispatch({ type: "pause", paused: !store.state.paused }));
  store.subscribe((state, change) => {
    if (change.events.length || change.replaced) take(change.events, Boolean(change.replaced));
    if (change.type === "pause") {
      pause.setAttribute("aria-pressed", String(state.paused));
      write(pause, state.paused ? "Resume" : "Pause");
    }
    if (change.type !== "link") plan();
  });
  plan();
  return { focusFilter: () => filter.focus(), follow: rows.followNow, focus: () => byId("traffic").scrollIntoView() };
}

/** @param {number} known @param {import("./keep.js").Store} store @param {import("./types.js").Page} page */
function emptyWords(known, store, page) {
  if (known) return "Nothing passes the filter. Clear it to see all.";
  const { instance } = store.state;
  if (instance?.state !== "running") return "No traffic: the server is not running.";
  return `No traffic yet: press the button above, or ${inTerminal(instance, page, location.hostname)}`;
}
