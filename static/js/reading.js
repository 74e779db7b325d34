/** The lesson and the source: tabs, links to a line of source, links from the lesson to controls. */

import { all } from "./dom.js";
import { mountTabs } from "./shell.js";

/** @param {HTMLElement} element */
export function mountReading(element) {
  const list = element.querySelector('[role="tablist"]');
  const tabbed = list instanceof HTMLElement; // a lesson may stand alone
  const show = tabbed ? mountTabs(list) : () => {};
  const tabs = tabbed ? all(list, '[role="tab"]') : [];

  /* What is too wide for a phone can be scrolled by keyboard. */
  for (const wide of all(element, ".lesson :is(pre, table)")) wide.tabIndex = 0;

  /** Go to what a link names, opening what hides it. @param {string} id */
  function reach(id) {
    if (id === "source") {
      const first = tabs.find((tab) => tab.dataset.file);
      if (first) show(first);
      element.scrollIntoView();
      return true;
    }
    const target = document.getElementById(id);
    if (!target) return false;
    const panel = target.closest('[role="tabpanel"]');
    const tab = tabs.find((entry) => entry.getAttribute("aria-controls") === panel?.id);
    if (panel && tab) show(tab);
    for (let fold = target.closest("details"); fold; fold = fold.parentElement?.closest("details") ?? null) fold.open = true;
    target.scrollIntoView({ block: panel ? "center" : "nearest" });
    target.focus({ preventScroll: true });
    const shown = target.closest(".field") ?? target;
    shown.classList.remove("pointed");
    requestAnimationFrame(() => shown.classList.add("pointed"));
    return true;
  }

  document.addEventListener("click", (event) => {
    const link = /** @type {HTMLElement} */ (event.target).closest('a[href^="#"]');
    if (!link || link.classList.contains("skip")) return;
    const id = decodeURIComponent(link.getAttribute("href")?.slice(1) ?? "");
    if (!reach(id)) return;
    event.preventDefault();
    history.replaceState(null, "", `#${id}`);
  });
  if (location.hash.length > 1) reach(decodeURIComponent(location.hash.slice(1)));
}
