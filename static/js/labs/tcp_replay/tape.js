/** The tape: what is on it, to search and to look into; to download, and for the teacher to change, replace and clear. */

import { call, words } from "../../api.js";
import { dataPath } from "../../calls.js";
import { ask } from "../../confirm.js";
import { byId, el, fill, one, say, write } from "../../dom.js";
import { count, plural } from "../../format.js";
import { createSoon } from "../../soon.js";
import { showEntry } from "./entry.js";
import { readEntry } from "./exchange.js";
import { createOthers } from "./others.js";
import { tapeRow } from "./taperow.js";
import { createUpload } from "./upload.js";
import { tapeName } from "./words.js";

/**
 * @typedef {{path: string, count: number, damaged: string[], damaged_count: number}} Known
 */

const PAGE = 50;
const CALM = 400;
const SPARE = 8;
/** Milliseconds after a letter was typed. */
const TYPED = 120;
const FORMATS = [["jsonl", "JSON lines", "all that is known of each exchange"], ["log", "Article's log", "percent-encoded, as the article's stub reads it"], ["har", "HAR", "HTTP only, for a browser's tools"]];

/** @param {import("../../keep.js").Store} store @param {import("../../types.js").Page} page @param {(known: Known) => void} told */
export function mountTape(store, page, told) {
  const card = byId("tape");
  const path = `/instances/${page.instance?.id}`;
  const teacher = page.me?.role === "teacher";
  const search = /** @type {HTMLInputElement} */ (byId("tape-q"));
  const list = byId("tape-list");
  const view = byId("tape-view");
  const figures = one(card, ".figures");
  const problem = one(card, ".problem");
  const damaged = one(card, ".damaged");
  const more = el("button", { type: "button", hidden: true, onclick: () => { limit += PAGE; read(); } }, "Show more");
  list.after(more);
  const upload = teacher ? createUpload(path, () => kept, () => read()) : null;
  const clear = teacher ? el("button", { type: "button", class: "danger", disabled: true, onclick: clearAll }, "Clear the tape…") : null;
  const rewind = teacher ? el("button", { type: "button", title: "Repeated requests are answered from the first recorded answer on", onclick: rewindIt }, "Rewind") : null;
  const saves = FORMATS.map(([format, title, help]) => el("a", { class: "button", href: `/api/v1${path}${dataPath("file", { format })}`, download: true, title: help }, title));
  const downloads = el("span", { class: "downloads", role: "group", "aria-label": "Download the tape" }, el("span", { class: "help" }, "Download as"), ...saves);
  const tools = one(card, ".tapetools");
  if (upload) {
    fill(tools, downloads, el("span", { class: "grow" }), ...upload.controls, rewind, clear);
    tools.after(upload.below);
  }
  tools.hidden = !teacher;
  const others = createOthers(store, path, teacher);
  card.append(others.element);
  let limit = PAGE;
  let kept = 0;
  let chosen = 0;
  let took = 0;
  let busy = false;
  let again = false;
  const later = createSoon(() => read());
  /** @type {import("./taperow.js").Line[]} */
  let shown = [];

  async function read() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    const begun = performance.now();
    const q = search.value.trim();
    try {
      const { value } = await call("GET", path + dataPath("tape", { offset: 0, limit, q }));
      problem.hidden = true;
      kept = value.count;
      shown = value.exchanges;
      draw(value, value.found);
      told(value);
    } catch (error) {
      problem.hidden = false;
      write(problem, words(error));
    }
    busy = false;
    took = performance.now() - begun;
    if (again) {
      again = false;
      soon(q === search.value.trim() ? undefined : TYPED);
    }
  }
  /** @param {Known} known @param {number} total how many match */
  function draw(known, total) {
    const had = list.contains(document.activeElement) ? document.activeElement?.getAttribute("data-id") : null;
    write(figures, `${tapeName(known.path)}: ${total === kept ? plural(kept, "exchange") : `${count(total)} of ${plural(kept, "exchange")}`}`);
    figures.title = known.path;
    fill(list, ...(shown.length ? shown.map((line) => tapeRow(line, line.id === chosen, () => open(line.id))) : [el("li", { class: "empty" }, kept ? "No exchange matches." : "The tape is empty. Set the mode to «Record» and let a client talk to the target through this server, or upload a tape.")]));
    [...list.querySelectorAll("button")].find((button) => button.dataset.id === had)?.focus({ preventScroll: true });
    more.hidden = shown.length < limit || shown.length >= total;
    fill(damaged, ...(known.damaged.length ? [el("p", {}, `${plural(known.damaged_count, "line")} of the file could not be read:`), el("ul", {}, ...known.damaged.slice(0, 20).map((line) => el("li", {}, line)))] : []));
    damaged.hidden = !known.damaged.length;
    if (clear) clear.disabled = kept === 0;
    downloads.hidden = kept === 0;
    if (chosen && !kept) forget("The tape is empty.");
  }
  /** @param {number} id @param {boolean} [focus] */
  async function open(id, focus = true) {
    chosen = id;
    for (const button of list.querySelectorAll("button")) button.setAttribute("aria-current", String(button.dataset.id === String(id)));
    const entry = await readEntry(path, id);
    if (chosen !== id) return;
    if (!entry) {
      forget(`No. ${id} is not on the tape any more.`);
      return;
    }
    showEntry(view, entry, {
      path, teacher, framing: String(store.state.instance?.settings.framing ?? "http"),
      changed(still) {
        if (still) open(id);
        else forget(`No. ${id} was deleted.`);
        read();
      },
    });
    if (focus) one(view, "h3").focus({ preventScroll: matchMedia("(min-width: 900px)").matches });
  }
  /** @param {string} said */
  function forget(said) {
    chosen = 0;
    fill(view, el("p", { class: "empty" }, said));
  }
  /** @param {string} action @param {string} done */
  async function act(action, done) {
    try {
      await call("POST", `${path}/actions/${action}`, {});
      problem.hidden = true;
      say(done);
    } catch (error) {
      problem.hidden = false;
      write(problem, words(error));
    }
    read();
  }
  async function clearAll() {
    const sure = await ask({ title: "Clear the tape?", text: `${plural(kept, "exchange")} are lost for everyone. What was downloaded before stays.`, yes: `Delete ${plural(kept, "exchange")}` });
    if (!sure) return;
    forget("The tape was cleared.");
    await act("clear", "The tape is empty");
  }
  function rewindIt() {
    return act("rewind", "Repeated requests are answered from the first again");
  }
  /** A long tape takes its time to be read: not again and again while it grows. */
  function soon(wait = Math.max(CALM, SPARE * took)) {
    later(wait);
  }

  search.addEventListener("input", () => {
    limit = PAGE;
    soon(TYPED);
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...list.querySelectorAll("button")];
    const place = buttons.findIndex((button) => button === document.activeElement);
    const next = step && place >= 0 ? buttons[place + step] : null;
    if (!next) return;
    event.preventDefault();
    next.focus();
    open(Number(next.dataset.id), false);
  });
  let state = store.state.instance?.state;
  let file = store.state.instance?.settings.tape;
  store.subscribe((now, change) => {
    if (change.type !== "state") return;
    if (rewind) rewind.disabled = now.instance?.state !== "running";
    if (now.instance?.state !== state || now.instance?.settings.tape !== file) {
      soon();
      others.read();
    }
    file = now.instance?.settings.tape;
    state = now.instance?.state;
  });
  read();
  others.read();
  return {
    touched: () => soon(),
    /** @param {number} id */
    open(id) {
      card.scrollIntoView({ block: "start" });
      open(id);
    },
  };
}

