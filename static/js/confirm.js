/** One question before something is lost. */

import { el } from "./dom.js";

/**
 * Ask once, naming what will be lost.
 * @param {{title: string, text: string, yes: string}} question
 * @returns {Promise<boolean>}
 */
export function ask({ title, text, yes }) {
  const dialog = el(
    "dialog", { class: "ask", "aria-labelledby": "ask-title", "aria-describedby": "ask-text" },
    el("h2", { id: "ask-title" }, title),
    el("p", { id: "ask-text" }, text),
    el(
      "form", { method: "dialog", class: "actions" },
      el("button", { value: "no", autofocus: true }, "Keep"),
      el("button", { value: "yes", class: "danger full" }, yes),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

/** @param {{title: string}} instance */
export function askDelete(instance) {
  return ask({
    title: `Delete ${instance.title}?`,
    text: "Its server stops. Its settings, traffic, charts and the results of all its requests are lost for everyone.",
    yes: `Delete ${instance.title}`,
  });
}
