/** One message: its text, its HTML in a frame without rights, header, source and attachments. */

import { dataPath } from "../../calls.js";
import { el, fill } from "../../dom.js";
import { clock, plural, size } from "../../format.js";
import { mountTabs } from "../../shell.js";

/**
 * @typedef {{id: string, sender: string, recipients: string[], subject: string, date: number, size: number, peer: string,
 *   user: string, has_attachments: boolean, preview: string}} Summary
 * @typedef {{summary: Summary, headers: {name: string, value: string, ours: boolean}[], sent: number|null, text: string, html: string,
 *   blocked: number, attachments: {n: number, name: string, type: string, size: number}[], cut: boolean, source: string}} Message
 */

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** A message without a subject is «(no subject)». @param {Summary} summary */
export function subjectOf({ subject }) {
  return subject || "(no subject)";
}

/** Who sent it as the envelope says; nobody wants a report back about a report. @param {Summary} summary */
export function senderOf({ sender }) {
  return sender || "nobody (a delivery report)";
}

/**
 * @param {HTMLElement} element @param {Message} message @param {string} base of the lab's data: /api/v1/instances/ID
 * @param {string} person who sent it; "" if nobody known @param {Node|null} remove the button that deletes it
 */
export function showMessage(element, message, base, person, remove) {
  const { summary } = message;
  const panels = /** @type {[string, HTMLElement][]} */ ([
    ["Text", message.text ? el("pre", { class: "mailtext", tabindex: "0" }, message.text) : el("p", { class: "empty" }, "It has no plain text.")],
    ["HTML", htmlPanel(message)], ["Headers", headerPanel(message)], ["Source", sourcePanel(message)],
    [`Attachments (${message.attachments.length})`, attachmentPanel(message, base)],
  ]);
  const start = !message.text && message.html ? 1 : 0;
  const tabs = el("div", { class: "tabs", role: "tablist", "aria-label": "Views of the message" }, ...panels.map(([name], place) => el("button", { type: "button", role: "tab", id: `mailtab-${place}`, "aria-controls": `mail-${place}`, "aria-selected": String(place === start), tabindex: place === start ? "0" : "-1" }, name)));
  const save = el("a", { class: "button", href: base + dataPath("eml", { id: summary.id }), download: true }, "Save as .eml");
  const facts = [["From", senderOf(summary)], ["To", summary.recipients.join(", ")], ["Stored", `${new Date(summary.date * 1000).toLocaleDateString()} ${clock(summary.date, 0)}, ${size(summary.size).join(" ")}`], ["Sent by", [person, summary.user && `logged in as ${summary.user}`, summary.peer].filter(Boolean).join(" · ")]];
  fill(
    element,
    el("header", { class: "mailhead" }, el("h3", { tabindex: "-1" }, subjectOf(summary)), el("div", { class: "actions" }, save, remove)),
    el("dl", { class: "envelope" }, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    tabs, ...panels.map(([, panel], place) => el("div", { role: "tabpanel", id: `mail-${place}`, "aria-labelledby": `mailtab-${place}`, hidden: place !== start }, panel)),
  );
  mountTabs(tabs);
}

/** @param {Message} message */
function htmlPanel({ html, blocked }) {
  if (!html) return el("p", { class: "empty" }, "It has no HTML.");
  const note = `No script runs here, styles and links are taken out${blocked ? `, and ${plural(blocked, "thing")} from elsewhere ${blocked === 1 ? "was" : "were"} not loaded` : ""}.`;
  return el("div", {}, el("p", { class: "help" }, note), el("iframe", { class: "mailhtml", sandbox: "", srcdoc: `<!doctype html><meta charset="utf-8">${html}`, title: "The message's HTML", referrerpolicy: "no-referrer" }));
}

/** @param {Message} message */
function headerPanel({ headers }) {
  const rows = headers.map(({ name, value, ours }) => el("tr", { "data-ours": ours }, el("th", { scope: "row" }, name), el("td", {}, value)));
  return el("div", {}, el("p", { class: "help" }, "The fields with a stroke were put there by the server: the envelope as MAIL and RCPT said it."), el("div", { class: "scroll" }, el("table", { class: "mailheaders" }, el("tbody", {}, ...rows))));
}

/** @param {Message} message */
function sourcePanel({ source, summary }) {
  const cut = summary.size > 65_536 && el("p", { class: "help" }, "The first 64 KiB; the .eml has all.");
  return el("div", {}, cut || null, el("pre", { class: "terminal", tabindex: "0" }, source));
}

/** @param {Message} message @param {string} base */
function attachmentPanel({ attachments, summary, cut }, base) {
  if (!attachments.length) return el("p", { class: "empty" }, "It has no attachments.");
  const entries = attachments.map(({ n, name, type, size: bytes }) => {
    const href = base + dataPath("attachment", { id: summary.id, n });
    const shown = PICTURES.includes(type) && bytes < 8_000_000 && el("img", { src: href, alt: name, loading: "lazy" });
    return el("li", {}, shown || null, el("a", { href, download: name }, name), el("span", { class: "help" }, ` ${type}, ${size(bytes).join(" ")}`));
  });
  return el("div", {}, cut && el("p", { class: "help" }, "It has more parts than are listed."), el("ul", { class: "attachments" }, ...entries));
}
