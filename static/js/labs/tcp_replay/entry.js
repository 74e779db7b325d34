/** One exchange of the tape: both sides, where messages would end, and for the teacher to change or to take off. */

import { call, words } from "../../api.js";
import { ask } from "../../confirm.js";
import { el, fill, say, write } from "../../dom.js";
import { clock, milliseconds, plural } from "../../format.js";
import { mountTabs } from "../../shell.js";
import { escaped, fromHex } from "./bytes.js";
import { framingView } from "./framing.js";
import { sidesView } from "./sides.js";

/**
 * @typedef {{text: string, hex: string, size: number, whole: boolean, masked: boolean}} Half the hex of a long one is its start
 * @typedef {{id: number, at: number, conn: string, number: number, peer: string, target: string, transport: string, framing: string,
 *   greeting: boolean, client_end: boolean, server_end: boolean, request: Half, response: Half & {chunks: {ms: number, size: number}[]},
 *   cuts: Record<string, number[]>, stream: Half & {cuts: Record<string, number[]>}}} Entry `stream`: all that its client said on its connection
 */

const LONGEST = 100_000;

/**
 * @param {HTMLElement} element @param {Entry} entry
 * @param {{path: string, teacher: boolean, framing: string, changed: (kept: boolean) => void}} with `path` of the instance below /api/v1;
 *   `changed` after a change: whether the exchange is still there
 */
export function showEntry(element, entry, { path, teacher, framing, changed }) {
  const had = [...element.querySelectorAll('[role="tab"]')].findIndex((tab) => tab.getAttribute("aria-selected") === "true");
  const panels = /** @type {[string, Node][]} */ ([["Bytes", bytesPanel(entry)], ["Framing", framingView(streamsOf(entry), framing)]]);
  if (teacher) panels.push(["Edit the response", editPanel(entry, path, changed)]);
  const start = Math.min(Math.max(0, had), 1);
  const tabs = el("div", { class: "tabs", role: "tablist", "aria-label": "Views of the exchange" }, ...panels.map(([name], place) => el("button", { type: "button", role: "tab", id: `tapetab-${place}`, "aria-controls": `tape-panel-${place}`, "aria-selected": String(place === start), tabindex: place === start ? "0" : "-1" }, name)));
  const problem = el("p", { class: "error", role: "alert", hidden: true });
  fill(
    element,
    el("header", {}, el("h3", { tabindex: "-1" }, `No. ${entry.id} on the tape`), teacher && el("button", { type: "button", class: "danger", onclick: () => remove(entry, path, changed, problem) }, "Delete…")),
    problem, facts(entry), tabs,
    ...panels.map(([, panel], place) => el("div", { role: "tabpanel", id: `tape-panel-${place}`, "aria-labelledby": `tapetab-${place}`, hidden: place !== start }, panel)),
  );
  mountTabs(tabs);
}

/** @param {Entry} entry */
function bytesPanel({ request, response, greeting }) {
  return sidesView([
    { title: "Request", way: "out", bytes: fromHex(request.hex), size: request.size, empty: greeting ? "None: the server spoke first." : "No bytes." },
    { title: "Response", way: "back", bytes: fromHex(response.hex), size: response.size, more: piecesView(response.chunks) },
  ]);
}

/** @param {{ms: number, size: number}[]} pieces */
function piecesView(pieces) {
  if (pieces.length < 2) return pieces.length ? el("p", { class: "help" }, `It came in one piece, ${milliseconds(pieces[0].ms)} after the request.`) : null;
  const rows = pieces.slice(0, 100).map(({ ms, size }) => el("li", {}, `${milliseconds(ms)}: ${plural(size, "byte")}`));
  return el("details", { class: "more" }, el("summary", {}, `It came in ${plural(pieces.length, "piece")}, the last ${milliseconds(pieces.at(-1)?.ms)} after the request`), el("ol", { class: "piecelist" }, ...rows));
}

/** @param {Entry} entry @returns {import("./framing.js").Stream[]} */
function streamsOf({ request, cuts, stream }) {
  const all = { name: "All on this connection", bytes: fromHex(stream.hex), cuts: stream.cuts };
  return stream.size > request.size ? [all, { name: "This request", bytes: fromHex(request.hex), cuts }] : [{ ...all, name: "This request" }];
}

/** @param {Entry} entry */
function facts({ at, conn, number, peer, target, transport, framing, client_end: clientEnd, server_end: serverEnd }) {
  const date = new Date(1000 * at);
  const list = /** @type {[string, string][]} */ ([
    ["recorded", at ? `${date.toLocaleDateString()} ${clock(at, 0)}` : "not known"], ["connection", conn ? `${conn}, its exchange ${number}` : "not known"],
    ["client", peer || "not known"], ["target", target || "not known"], ["over", transport.toUpperCase()], ["a message ended", framing || "not known"],
    ...(clientEnd ? [["then", "the client ended its side"]] : []), ...(serverEnd ? [["at the end", "the server ended its side"]] : []),
  ]);
  return el("dl", { class: "facts" }, ...list.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** The response's text, to be changed. @param {Entry} entry @param {string} path @param {(kept: boolean) => void} changed */
function editPanel({ id, response }, path, changed) {
  if (response.masked || !response.whole || response.size > LONGEST) return el("p", { class: "empty" }, `${response.masked ? "It has secrets that are masked here" : "It is too long to be edited here"}: download the tape, change it there, and upload it.`);
  const before = escaped(fromHex(response.hex));
  const text = el("textarea", { id: "tape-edit", rows: Math.min(18, Math.max(5, before.split("\n").length + 1)), spellcheck: "false", autocomplete: "off", "aria-describedby": "tape-edit-help" });
  text.value = before;
  const send = el("button", { type: "submit", class: "primary" }, "Save this response");
  const back = el("button", { type: "button", onclick: () => { text.value = before; } }, "As it was");
  const problem = el("p", { class: "error", role: "alert", hidden: true });
  const form = el(
    "form", { class: "tapeedit" }, el("label", { for: "tape-edit" }, "The response"), text,
    el("p", { class: "help", id: "tape-edit-help" }, "\\r and \\n stand for CR and LF, \\\\ for a backslash, \\x1f for a byte; line breaks on the screen are not sent. It is sent as it stands here: a Content-Length does not change by itself."),
    problem, el("div", { class: "actions" }, send, back),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    problem.hidden = true;
    try {
      await call("POST", `${path}/actions/edit`, { id, response: text.value.replace(/\r?\n/g, ""), escape: true });
      say("Saved");
      changed(true);
    } catch (error) {
      problem.hidden = false;
      write(problem, words(error));
    }
    send.disabled = false;
  });
  return form;
}

/** @param {Entry} entry @param {string} path @param {(kept: boolean) => void} changed @param {HTMLElement} problem */
async function remove({ id }, path, changed, problem) {
  const sure = await ask({ title: `Delete no. ${id}?`, text: "This exchange is taken off the tape, for everyone.", yes: `Delete no. ${id}` });
  if (!sure) return;
  try {
    await call("POST", `${path}/actions/remove`, { id });
    say("Deleted");
    changed(false);
  } catch (error) {
    problem.hidden = false;
    write(problem, words(error));
  }
}
