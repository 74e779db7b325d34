/** The form that sends a test request or runs a tool, and which request its results show. */

import { call } from "./api.js";
import { byId, el, one, say, write } from "./dom.js";
import { commandLine, filled, isMine as isOf, isOpen, madeHere, whyNot } from "./command.js";
import { inputOf, readFields, showFaults, toFirstFault } from "./fields.js";
import { machine, reachableCommand } from "./reach.js";
import { mountResults } from "./results.js";

/** @typedef {import("./types.js").Request} Request */
/**
 * @typedef {{progress?: (request: Request) => {done: number, total: number, words?: string}|null,
 *   resultSummary?: (request: Request, page: import("./types.js").Page) => HTMLElement|null,
 *   resultDetails?: (request: Request) => HTMLElement|null,
 *   sessionAnswer?: import("./session.js").AnswerView, columns?: Record<string, string>, chosen?: (id: string) => void}} LabHooks what a lab's own module may add
 */

/** @param {HTMLElement} element @param {import("./keep.js").Store} store @param {import("./types.js").Page} page @param {LabHooks} hooks */
export function mountTry(element, store, page, hooks) {
  const { request: fields, primary } = page.tool ?? formOf(/** @type {import("./types.js").Lab} */ (page.lab));
  const isMine = (/** @type {Request} */ request) => isOf(request, page);
  const results = mountResults(byId("results"), store, page, hooks, isMine);
  if (page.tool && !page.tool.may) return { send: async () => "" };
  const form = byId("request");
  const send = /** @type {HTMLButtonElement} */ (byId("send"));
  const cancel = /** @type {HTMLButtonElement} */ (byId("cancel"));
  const problemLine = one(form, ":scope > .error");
  const teacher = page.me?.role === "teacher";
  let sending = false;
  /** @type {Map<string, string>} */
  const states = new Map();

  const current = () => store.state.requests.find((entry) => isMine(entry) && isOpen(entry) && madeHere(entry, page));
  const quick = quickButton(submit);
  const away = el("button", { type: "button", onclick: stop, hidden: true }, "Cancel");
  if (page.tool) quick.after(away);

  function show() {
    const values = readFields(fields, "request");
    const open = current();
    const reason = open ? openWords(open) : page.tool?.needs_server === false ? "" : whyNot(store.state.instance?.state ?? "stopped", teacher);
    for (const button of [send, quick]) {
      write(button, filled(primary, values));
      button.disabled = sending || reason !== "";
    }
    quick.title = reason;
    write(byId("send-reason"), reason);
    away.hidden = cancel.hidden = !open || (open.session && open.state === "running");
    const { client_command: client = "", address = "" } = store.state.instance ?? {};
    const there = reachableCommand(page.tool ? toolCommand(page.tool, client) : client, address, machine(page, location.hostname));
    write(byId("client-command"), there && commandLine(there, fields, values));
  }

  /** Send what the form says; the request's id, "" if it was not sent. */
  async function submit() {
    const id = store.state.instance?.id;
    let made = "";
    if (send.disabled || !id) return made;
    sending = true;
    show();
    problemLine.hidden = true;
    try {
      const request = await call("POST", `/instances/${id}/${page.tool ? `tools/${page.tool.name}` : "requests"}`, readFields(fields, "request"));
      showFaults(fields, "request", []);
      if (!store.state.requests.some((entry) => entry.id === request.id)) store.dispatch({ type: "request", request });
      results.choose(request.id);
      made = request.id;
    } catch (problem) {
      const error = /** @type {import("./api.js").ApiError} */ (problem);
      const rest = showFaults(fields, "request", error.faults ?? []);
      toFirstFault(fields, "request");
      problemLine.hidden = rest.length === 0 && Boolean(error.faults);
      write(problemLine, error.words ?? String(error));
    }
    sending = false;
    show();
    return made;
  }

  function stop() {
    const open = current();
    if (open) call("DELETE", `/requests/${open.id}`).catch((error) => write(byId("send-reason"), error.words));
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  form.addEventListener("input", show);
  cancel.addEventListener("click", stop);
  for (const field of fields) inputOf(field, "request")?.setAttribute("data-request", field.name);

  store.subscribe((state, change) => {
    for (const request of change.requests ?? []) {
      const before = states.get(request.id);
      if (before && before !== request.state && isMine(request)) say(`Your request is ${request.state}`);
      states.set(request.id, request.state);
    }
    if (change.type !== "frame") show();
  });
  show();
  return { send: submit };
}

/** @param {import("./types.js").Lab} lab */
function formOf(lab) {
  return { request: lab.request, primary: lab.view.primary };
}

/** The command line that runs the tool. @param {import("./types.js").Tool} tool @param {string} client the lab's client at the server; "" while that does not run */
function toolCommand(tool, client) {
  return tool.needs_server ? client.replace(/^python -m \S+/, `python -m ${tool.client}`) : `python -m ${tool.client}`;
}

/** The same button above the picture, where its effect is seen. @param {() => void} submit */
function quickButton(submit) {
  const button = el("button", { type: "button", class: "primary quick", onclick: submit });
  document.querySelector("#picture .headline h2")?.after(button);
  return button;
}

/** @param {Request} request */
function openWords(request) {
  if (request.session && request.state === "running") return "Your session is open: write to it in the results, or end it there.";
  if (request.state === "running") return "Your request is running.";
  return request.position ? `Your request waits: place ${request.position} in the queue.` : "Your request waits in the queue.";
}
