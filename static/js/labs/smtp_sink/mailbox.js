/** The mailbox: a list to search and filter, and the message that is chosen. */

import { call, words } from "../../api.js";
import { dataPath } from "../../calls.js";
import { ask } from "../../confirm.js";
import { byId, el, fill, one, say, write } from "../../dom.js";
import { clock, plural } from "../../format.js";
import { personOf } from "../../people.js";
import { createSoon } from "../../soon.js";
import { senderOf, showMessage, subjectOf } from "./message.js";

/** @typedef {import("./message.js").Summary} Summary */

const PAGE = 100;

/** @param {import("../../keep.js").Store} store @param {import("../../types.js").Page} page */
export function mountMailbox(store, page) {
  const card = byId("mailbox");
  const path = `/instances/${page.instance?.id}`;
  const teacher = page.me?.role === "teacher";
  const search = /** @type {HTMLInputElement} */ (byId("mail-q"));
  const choices = { recipient: select("mail-recipient"), peer: select("mail-peer"), user: select("mail-user") };
  const list = byId("mail-list");
  const figures = one(card, ".figures");
  const problem = one(card, ".problem");
  const view = byId("mail-view");
  const more = el("button", { type: "button", hidden: true, onclick: () => { limit += PAGE; read(); } }, "Show more");
  const removeAll = /** @type {HTMLButtonElement|null} */ (card.querySelector("#mail-delete-all"));
  list.after(more);
  let limit = PAGE;
  let kept = 0;
  let chosen = "";
  let busy = false;
  let again = false;
  const later = createSoon(() => read());
  const soon = (wait = 250) => later(wait);
  /** @type {Summary[]} */
  let shown = [];

  const person = (/** @type {Summary} */ summary) => personOf(store.state, summary.peer);

  async function read() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const wanted = { q: search.value, recipient: choices.recipient.value, peer: choices.peer.value, user: choices.user.value, limit: Math.min(limit, 1000) };
      const { value } = await call("GET", path + dataPath("messages", wanted));
      problem.hidden = true;
      kept = value.kept;
      shown = value.messages;
      draw(value);
    } catch (error) {
      problem.hidden = false;
      write(problem, words(error));
    }
    busy = false;
    if (again) {
      again = false;
      await read();
    }
  }
  /** @param {any} value */
  function draw({ total, facets }) {
    const had = list.contains(document.activeElement) ? document.activeElement?.getAttribute("data-id") : null;
    write(figures, total === kept ? plural(kept, "message") : `${total} of ${plural(kept, "message")}`);
    offer(choices.recipient, "To anybody", facets.recipients, (name) => name);
    offer(choices.peer, "From any machine", facets.peers, (name) => store.state.people[name] ? `${store.state.people[name]} (${name})` : name);
    offer(choices.user, "Any log-in", facets.users, (name) => name);
    choices.user.hidden = facets.users.length === 0;
    fill(list, ...(shown.length ? shown.map(entry) : [el("li", { class: "empty" }, kept ? "No message matches." : "No mail yet: send a message above. It comes here and goes nowhere else.")]));
    [...list.querySelectorAll("button")].find((button) => button.dataset.id === had)?.focus();
    more.hidden = shown.length >= total || limit >= 1000;
    if (removeAll) removeAll.disabled = kept === 0;
  }
  /** @param {Summary} summary */
  function entry(summary) {
    const to = summary.recipients.slice(0, 2).join(", ") + (summary.recipients.length > 2 ? ` and ${summary.recipients.length - 2} more` : "");
    const from = [person(summary), senderOf(summary)].filter(Boolean).join(" · ");
    return el("li", {}, el(
      "button", { type: "button", "data-id": summary.id, "aria-current": String(summary.id === chosen), onclick: () => open(summary.id) },
      el("span", { class: "subject" }, subjectOf(summary), summary.has_attachments && el("span", { class: "clip", role: "img", "aria-label": "with attachments", title: "with attachments" }, " ⊕")),
      el("time", {}, clock(summary.date, 0)), el("span", { class: "way" }, `${from} → ${to}`), el("span", { class: "preview" }, summary.preview),
    ));
  }
  /** @param {HTMLSelectElement} element @param {string} all @param {{name: string, count: number}[]} facet @param {(name: string) => string} named */
  function offer(element, all, facet, named) {
    const value = element.value;
    fill(element, el("option", { value: "" }, all), ...facet.map(({ name, count }) => el("option", { value: name }, `${named(name)} · ${count}`)));
    if (value && !facet.some(({ name }) => name === value)) element.append(el("option", { value }, named(value)));
    element.value = value;
  }
  /** @param {string} id @param {boolean} [focus] */
  async function open(id, focus = true) {
    chosen = id;
    for (const button of list.querySelectorAll("button")) button.setAttribute("aria-current", String(button.dataset.id === id));
    try {
      const { value } = await call("GET", path + dataPath("message", { id }));
      if (chosen !== id) return;
      const remove = teacher ? el("button", { type: "button", class: "danger", onclick: () => removeOne(value.summary) }, "Delete…") : null;
      showMessage(view, value, `/api/v1${path}`, person(value.summary), remove);
      if (focus) one(view, "h3").focus({ preventScroll: matchMedia("(min-width: 900px)").matches });
    } catch (error) {
      fill(view, el("p", { class: "error", role: "alert" }, words(error)));
    }
  }
  /** @param {Summary} summary */
  async function removeOne(summary) {
    if (await ask({ title: "Delete this message?", text: `«${subjectOf(summary)}» from ${senderOf(summary)} is lost for everyone.`, yes: "Delete the message" })) await gone("delete", { id: summary.id });
  }
  async function removeEach() {
    if (await ask({ title: "Delete all messages?", text: `${plural(kept, "message")} in this mailbox are lost for everyone.`, yes: `Delete ${plural(kept, "message")}` })) await gone("delete_all", {});
  }
  /** @param {string} action @param {Record<string, any>} values */
  async function gone(action, values) {
    try {
      await call("POST", `${path}/actions/${action}`, values);
      chosen = "";
      fill(view, el("p", { class: "empty" }, "Choose a message."));
      say("Deleted");
    } catch (error) {
      problem.hidden = false;
      write(problem, words(error));
      return;
    }
    await read();
  }

  search.addEventListener("input", () => soon(120));
  for (const choice of Object.values(choices)) choice.addEventListener("change", () => read());
  removeAll?.addEventListener("click", removeEach);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...list.querySelectorAll("button")];
    const place = buttons.findIndex((button) => button === document.activeElement);
    if (!step || place < 0) return;
    event.preventDefault();
    const next = buttons[place + step];
    if (!next) return;
    next.focus();
    open(next.dataset.id ?? "", false);
  });
  let state = store.state.instance?.state;
  store.subscribe((now, change) => {
    const other = now.instance?.state !== state; // a server that was just ending may not have answered
    state = now.instance?.state;
    if (other || change.replaced || change.marks.some((event) => event.kind === "message_stored")) soon();
  });
  read();
}

/** @param {string} id @returns {HTMLSelectElement} */
function select(id) {
  return /** @type {HTMLSelectElement} */ (byId(id));
}
