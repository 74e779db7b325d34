/** What came of a test request: progress, summary, details, the terminal's text, and those before. */

import { isOpen, madeHere } from "./command.js";
import { el, fill, write } from "./dom.js";
import { took } from "./format.js";
import { historyLine } from "./history.js";
import { followOutput } from "./output.js";
import { resultTable, scalars } from "./resulttable.js";
import { createSession } from "./session.js";
import { mountTabs } from "./shell.js";
import { valueView } from "./value.js";

/** @typedef {import("./types.js").Request} Request */

/**
 * @param {HTMLElement} element @param {import("./keep.js").Store} store @param {import("./types.js").Page} page
 * @param {import("./tryit.js").LabHooks} hooks @param {(request: Request) => boolean} isMine
 */
export function mountResults(element, store, page, hooks, isMine) {
  const title = el("h3", {}, "Results");
  const bar = el("progress", { max: "1", value: "0", "aria-label": "Progress" });
  const status = el("p", { class: "help" });
  const head = el("div", { class: "resulthead" }, title, status, bar);
  const summary = el("div", { class: "summary" });
  const names = ["Summary", "Details", "Terminal"];
  const tabs = names.map((name, place) => el("button", { type: "button", role: "tab", id: `tab-result-${place}`, "aria-controls": `result-${place}`, "aria-selected": String(place === 0), tabindex: place ? "-1" : "0" }, name));
  const list = el("div", { class: "tabs", role: "tablist", "aria-label": "Results" }, ...tabs);
  const panels = names.map((_, place) => el("div", { role: "tabpanel", id: `result-${place}`, "aria-labelledby": `tab-result-${place}`, hidden: place > 0, tabindex: "0" }));
  const output = el("pre", { class: "terminal" });
  const past = el("ol", { class: "history" });
  const fold = el("details", { class: "more" }, el("summary", {}, "Recent requests"), past);
  const empty = el("p", { class: "empty" }, "No results yet: press the form's button. Run in a terminal, the same command shows its results there.");
  panels[0].append(summary);
  panels[2].append(output);
  const session = createSession(wrote, hooks.sessionAnswer, page.lab?.view.line);
  const body = el("div", { class: "resultbody" }, head, list, ...panels, session.element);
  fill(element, empty, body, fold);
  const select = mountTabs(list);
  let chosen = "";
  let drawn = "";
  let asked = 0;

  const all = () => store.state.requests.filter((entry) => madeHere(entry, page));
  const open = () => all().find((entry) => isMine(entry) && entry.session && entry.state === "running");
  const look = followOutput(store, () => open() ?? (panels[2].hidden ? undefined : pick()));
  const pick = () => all().find((entry) => entry.id === chosen) ?? all().find(isMine) ?? all()[0];

  function show() {
    asked = 0;
    const request = pick();
    empty.hidden = Boolean(request);
    body.hidden = !request;
    fold.hidden = all().length < 2;
    if (!request) return;
    write(title, isMine(request) ? "Your request" : `Request of ${request.person}`);
    write(status, statusWords(request, hooks));
    showProgress(bar, request, hooks);
    const below = output.scrollHeight - output.scrollTop - output.clientHeight < 24;
    write(output, request.output || "Nothing printed yet.");
    if (below) output.scrollTop = output.scrollHeight;
    if (session.update(open())) meet();
    const version = `${request.id} ${request.state} ${request.result ? "r" : ""}`;
    if (version !== drawn) draw(request);
    drawn = version;
  }

  /** A session of one's own has opened: its output and its line come to hand. */
  function meet() {
    chosen = open()?.id ?? chosen;
    select(tabs[2]);
    if (document.activeElement === document.body || document.activeElement?.closest("#request, .picture")) session.focus();
    look();
  }

  function wrote() {
    choose(open()?.id ?? chosen);
    look();
  }

  /** @param {Request} request */
  function draw(request) {
    const { result } = request;
    fill(summary, request.error && el("p", { class: "error" }, request.error), result && (hooks.resultSummary?.(request, page) ?? null), result && !hooks.resultDetails && scalars(result, Boolean(hooks.resultSummary)));
    if (!result && !request.error) fill(summary, el("p", { class: "empty" }, request.state === "cancelled" ? "Cancelled before there was a result." : request.session ? "The session is open: what it says is in the terminal tab." : "The numbers come at the end. The chart and the terminal show it as it happens."));
    fill(panels[1], result ? (hooks.resultDetails?.(request) ?? resultTable(result, hooks.columns, request.cut) ?? valueView(result)) : el("p", { class: "empty" }, "Nothing yet."));
  }

  let listed = "";
  /** Made anew only when it says something new: a button that has the focus keeps it. */
  function showPast() {
    const shape = all().map((request) => `${request.id} ${request.state}`).join("|");
    if (shape === listed) return;
    listed = shape;
    fill(past, ...all().map((request) => historyLine(request, page, isMine(request), () => choose(request.id))));
  }

  /** @param {string} id */
  function choose(id) {
    chosen = id;
    hooks.chosen?.(id);
    show();
  }

  store.subscribe((_, change) => {
    if (change.requests) showPast();
    asked ||= requestAnimationFrame(show);
  });
  show();
  return { choose };
}

/** @param {Request} request @param {import("./tryit.js").LabHooks} hooks */
function statusWords(request, hooks) {
  const progress = hooks.progress?.(request);
  const after = request.started && request.ended ? ` after ${took(request.ended - request.started)}` : "";
  switch (request.state) {
    case "queued":
      return request.position ? `waiting, place ${request.position} in the queue` : "waiting";
    case "running":
      if (request.session) return "open";
      return progress ? `running, ${progress.words ?? `${progress.done} of ${progress.total}`}` : "running";
    default:
      return `${request.state}${after}`;
  }
}

/** @param {HTMLProgressElement} bar @param {Request} request @param {import("./tryit.js").LabHooks} hooks */
function showProgress(bar, request, hooks) {
  bar.classList.toggle("off", !isOpen(request) || request.session);
  const progress = hooks.progress?.(request);
  if (request.state === "queued" || (request.state === "running" && !progress?.total)) bar.removeAttribute("value");
  else bar.value = progress && request.state === "running" ? progress.done / Math.max(1, progress.total) : 1;
}
