/** What every page has around it: theme, projector, menu, help, keys, copy buttons, connection. */

import { all, el, one, say, write } from "./dom.js";
import { tieBoxes, tieSecrets } from "./fields.js";

/** @typedef {{key: string, does: string, run?: () => void}} Key */

const LINK_WORDS = {
  connecting: "connecting…", live: "live", reconnecting: "reconnecting…", gone: "deleted", refused: "refused",
};

/** @type {Key[]} */
const keys = [
  { key: "?", does: "Show these keys", run: help },
  { key: "t", does: "Dark or light", run: toggleTheme },
  { key: "b", does: "Projector: larger type, no rail", run: toggleProjector },
  { key: "o", does: "To the overview", run: () => location.assign("/") },
];

/** Make the frame work. */
export function mountShell() {
  document.getElementById("theme")?.addEventListener("click", toggleTheme);
  document.getElementById("projector")?.addEventListener("click", toggleProjector);
  document.getElementById("help")?.addEventListener("click", help);
  showProjector();
  mountMenu();
  document.addEventListener("click", copy);
  tieBoxes();
  tieSecrets();
  document.addEventListener("keydown", press);
}

/** Keys of this page. @param {...Key} more */
export function addKeys(...more) {
  keys.push(...more);
}

/** @param {import("./store.js").Link} link @param {boolean} [paused] */
export function showLink(link, paused = false) {
  const line = document.getElementById("link");
  if (!line) return;
  line.dataset.link = paused && link === "live" ? "paused" : link;
  write(one(line, "span"), paused && link === "live" ? "paused" : LINK_WORDS[link]);
}

function toggleTheme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("socketlab.theme", root.dataset.theme);
  document.dispatchEvent(new Event("look"));
}

function toggleProjector() {
  const root = document.documentElement;
  root.dataset.projector = root.dataset.projector === "on" ? "off" : "on";
  localStorage.setItem("socketlab.projector", root.dataset.projector);
  showProjector();
  document.dispatchEvent(new Event("look"));
}

function showProjector() {
  const on = document.documentElement.dataset.projector === "on";
  document.getElementById("projector")?.setAttribute("aria-pressed", String(on));
}

function mountMenu() {
  const button = document.getElementById("menu");
  const rail = document.getElementById("rail");
  if (!button) return;
  button.hidden = !rail;
  /** @param {boolean} open */
  const show = (open) => {
    document.body.dataset.menu = open ? "open" : "";
    button.setAttribute("aria-expanded", String(open));
    if (open) rail?.querySelector("a")?.focus();
  };
  button.addEventListener("click", () => show(document.body.dataset.menu !== "open"));
  rail?.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    show(false);
    button.focus();
  });
  document.getElementById("main")?.addEventListener("pointerdown", () => show(false));
}

/** @param {KeyboardEvent} event */
function press(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (target.closest("textarea, select, [contenteditable], input:not([type=range], [type=checkbox])")) return;
  const key = keys.find((entry) => entry.key === event.key);
  if (!key?.run) return;
  event.preventDefault();
  key.run();
}

function help() {
  const rows = keys.map((key) => el("tr", {}, el("th", { scope: "row" }, el("kbd", {}, key.key)), el("td", {}, key.does)));
  const dialog = el(
    "dialog", { class: "keys", "aria-labelledby": "help-title" },
    el("h2", { id: "help-title" }, "Keys"),
    el("table", {}, el("tbody", {}, ...rows)),
    el("form", { method: "dialog" }, el("button", { class: "primary" }, "Close")),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** A button with data-copy="selector" or data-copy-text="text" copies it. @param {MouseEvent} event */
async function copy(event) {
  const button = /** @type {HTMLElement} */ (event.target).closest("button.copy");
  if (!(button instanceof HTMLElement)) return;
  event.preventDefault();
  const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : null;
  const text = button.dataset.copyText ?? source?.textContent ?? "";
  const done = await toClipboard(text);
  button.dataset.copied = done ? "yes" : "no";
  say(done ? `Copied: ${text}` : "The browser did not allow copying");
  setTimeout(() => delete button.dataset.copied, 1500);
}

/**
 * The clipboard exists only on secure origins, so not for a student's http://192.168.…: then the old way.
 * @param {string} text
 */
async function toClipboard(text) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(() => true, () => false);
  }
  const box = el("textarea", { class: "unseen", "aria-hidden": "true" }, text);
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  return done;
}

/** Buttons that show one panel of several, arrow keys between them. @param {HTMLElement} list role=tablist */
export function mountTabs(list) {
  const tabs = all(list, '[role="tab"]');
  /** @param {HTMLElement} chosen */
  const show = (chosen) => {
    for (const tab of tabs) {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      const panel = document.getElementById(tab.getAttribute("aria-controls") ?? "");
      if (panel) panel.hidden = !on;
    }
  };
  for (const [place, tab] of tabs.entries()) {
    tab.addEventListener("click", () => show(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(place + step + tabs.length) % tabs.length];
      show(next);
      next.focus();
    });
  }
  return show;
}
