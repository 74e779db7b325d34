/** The picture of a tool that brings none: what its newest run reports, a line an event. */

import { el, fill, write } from "./dom.js";

const LINES = 300;

/** @param {HTMLElement} element @param {import("./keep.js").Store} store @param {import("./types.js").Page} page */
export function linesPicture(element, store, page) {
  const tool = /** @type {import("./types.js").Tool} */ (page.tool);
  const list = el("ol", { class: "lines saidlines", tabindex: "0", "aria-label": "What it reports" });
  const empty = el("p", { class: "empty" });
  fill(element, el("div", { class: "headline" }, el("h2", {}, "As it happens")), empty, list);
  let run = "";

  /** @param {import("./types.js").Event[]} events */
  function add(events) {
    for (const event of events) {
      if (event.request !== run) fill(list);
      run = event.request ?? "";
      list.append(el("li", {}, event.text ?? event.kind));
    }
    while (list.childElementCount > LINES) list.firstElementChild?.remove();
    list.scrollTop = list.scrollHeight;
  }

  store.subscribe((_, change) => {
    if (change.replaced) fill(list);
    const own = change.marks.filter((event) => tool.events.includes(event.kind));
    if (own.length) add(own);
    list.hidden = list.childElementCount === 0;
    empty.hidden = !list.hidden;
  });
  write(empty, tool.may ? "Nothing yet: press the button." : "Nothing yet: it begins when the teacher presses the button.");
  list.hidden = true;
  return {};
}
