/** The experiments' page: a question, then the calls of every actor in the order of time, then what was right. */

import { isMine, madeHere } from "../../command.js";
import { el, fill, write } from "../../dom.js";
import { readFields, writeField } from "../../fields.js";
import { grid } from "../../resulttable.js";
import { answer, compare, Runs } from "./experimentmodel.js";
import { QUESTIONS } from "./questions.js";

/** @typedef {import("../../types.js").Request} Request */
/** @typedef {import("./experimentmodel.js").Run} Run */

const EMPTY = "No run yet. Say what you expect, then press the button: every call appears here, in a column for each actor.";

/** @param {HTMLElement} element @param {import("../../keep.js").Store} store @param {import("../../types.js").Page} page */
export function picture(element, store, page) {
  const tool = /** @type {import("../../types.js").Tool} */ (page.tool);
  const runs = new Runs();
  /** What was predicted, by the id of the request. @type {Map<string, string>} */
  const predictions = new Map();
  const readout = el("p", { class: "readout" });
  const asked = el("fieldset", { class: "question" });
  const names = tool.request.find((field) => field.name === "experiment")?.choices ?? [];
  const buttons = names.map((name) => el("button", { type: "button", onclick: () => choose(name) }, name));
  const chooser = el("div", { class: "segments", role: "group", "aria-label": "Experiment" }, ...buttons);
  const verdict = el("div", { class: "comparison", role: "status" });
  const heads = el("tr");
  const body = el("tbody");
  const table = el("div", { class: "scroll calls", tabindex: "0", role: "region", "aria-label": "The calls of every actor, in the order of time" }, el("table", {}, el("thead", {}, heads), body));
  const empty = el("p", { class: "empty" }, EMPTY);
  fill(element, el("div", { class: "headline" }, el("h2", {}, "Predict, then see"), readout), chooser, asked, verdict, empty, table);
  let chosen = "";
  let drawing = 0;
  /** What stands in the table: of which run, and how many of its steps. */
  let drawn = { request: "", steps: 0 };

  const form = document.getElementById("request");
  const experiment = () => String(form ? readFields(tool.request, "request").experiment : "");
  const own = (/** @type {string} */ id) => store.state.requests.some((request) => request.id === id && isMine(request, page));

  let questioned = "";
  function question() {
    const name = experiment();
    if (name === questioned) return;
    questioned = name;
    for (const [place, button] of buttons.entries()) button.setAttribute("aria-pressed", String(names[place] === name));
    const entry = QUESTIONS[name];
    asked.hidden = !entry;
    if (!entry) return;
    const options = Object.entries(entry.options).map(([value, words]) => el("label", {}, el("input", { type: "radio", name: "prediction", value }), ` ${words}`));
    fill(asked, el("legend", {}, entry.question), ...options);
    drawing ||= requestAnimationFrame(draw);
  }
  form?.addEventListener("input", question);
  /** The same as in the form, where the question is. @param {string} name */
  function choose(name) {
    writeField(/** @type {import("../../types.js").Field} */ (tool.request.find((field) => field.name === "experiment")), "request", name);
    form?.dispatchEvent(new Event("input", { bubbles: true }));
  }

  const predicted = () => /** @type {HTMLInputElement|null} */ (asked.querySelector("input:checked"))?.value ?? "";

  function draw() {
    drawing = 0;
    const run = runs.pick(chosen, own);
    empty.hidden = Boolean(run);
    table.hidden = verdict.hidden = !run;
    write(readout, run ? `${run.title}${run.over ? "" : " · running"}` : "");
    if (!run) return;
    if (run.request !== drawn.request || run.actors.length !== heads.childElementCount - 1) {
      drawn = { request: run.request, steps: 0 };
      fill(heads, ...["", ...run.actors].map((name) => el("th", { scope: "col" }, name)));
      fill(body);
    }
    for (const step of run.steps.slice(drawn.steps)) body.append(row(run, step, ++drawn.steps));
    fill(verdict, ...(run.over ? outcomeWords(run, predictions.get(run.request) ?? "", run.experiment !== questioned) : []));
  }

  store.subscribe((state, change) => {
    if (change.replaced) {
      runs.clear();
      drawn = { request: "", steps: 0 };
    }
    for (const request of change.requests ?? []) {
      if (!isMine(request, page) || !madeHere(request, page) || predictions.has(request.id)) continue;
      const old = request.ended !== null || request.arguments.experiment !== questioned;
      predictions.set(request.id, old ? "" : predicted());
      if (!old) chosen = request.id;
    }
    runs.add(change.marks);
    if (!state.paused) drawing ||= requestAnimationFrame(draw);
  });
  const linked = location.hash.slice(1); // the lesson's «play it» names one
  if (form && names.includes(linked)) choose(linked);
  question();
  draw();

  return {
    /** @param {string} id a request whose run is to be shown */
    chosen: (id) => {
      chosen = id;
      drawing ||= requestAnimationFrame(draw);
    },
  };
}

/** @param {Run} run @param {Run["steps"][number]} step @param {number} number */
function row(run, step, number) {
  const wide = { colspan: String(run.actors.length) };
  const first = el("th", { scope: "row", class: "number" }, number);
  if (step.kind === "remark") return el("tr", { class: "remark" }, first, el("td", wide, step.means));
  if (step.kind === "claim") return el("tr", { class: "claim", "data-agree": String(step.agree) }, first, el("td", wide, ...claimWords(step)));
  return el("tr", {}, first, ...run.actors.map((actor) => el("td", {}, actor === step.actor && callCell(step))));
}

/** @param {import("./experimentmodel.js").Call} step */
function callCell(step) {
  if (step.call === "…") return el("small", {}, step.means);
  const said = answer(step);
  return el("div", { class: "onecall", "data-failed": step.error ? "yes" : false },
    el("code", {}, `${step.call}(${step.words})`), said && el("code", { class: "said" }, `${step.error ? "✗" : "="} ${said}`), step.means && el("small", {}, step.means));
}

/** @param {import("./experimentmodel.js").Claim} step */
function claimWords(step) {
  const end = step.agree ? el("strong", {}, "so it was") : el("strong", {}, `here: ${step.seen}`);
  return [`${step.what}: the book says ${step.predicted}; `, end];
}

/** @param {Run} run @param {string} predicted @param {boolean} repeat whether the question is said again: another one stands above */
function outcomeWords(run, predicted, repeat) {
  const question = QUESTIONS[run.experiment];
  const found = compare(question, predicted, run);
  const mine = found.right === null ? null : el("p", { "data-right": String(found.right) }, el("b", {}, "You predicted: "), found.predicted, found.right ? " ✓" : " ✗");
  return [
    repeat && question && el("p", { class: "asked" }, question.question),
    mine,
    el("p", {}, el("b", {}, mine ? "What happened: " : "Seen: "), found.seen),
    question && el("p", { class: "help" }, question.why),
    el("p", {}, run.verdict),
  ].filter((part) => part instanceof Node);
}

/** The titles of the result's columns. */
export const columns = { what: "What", predicted: "The book says", seen: "Seen here", agree: "Agree" };

/** @param {Request} request */
export function resultSummary({ result }) {
  if (!result) return null;
  return el("div", {}, el("p", {}, result.verdict), grid(result.rows, columns));
}
