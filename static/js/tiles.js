/** The few numbers that matter for this lab, large. */

import { el, fill, write } from "./dom.js";
import { quantity } from "./format.js";

/** @typedef {{name: string, title: string, value: string, unit: string, tone?: string}} Tile */

/**
 * @param {HTMLElement} element @param {import("./keep.js").Store} store
 * @param {import("./types.js").Lab} lab
 * @param {(state: import("./keep.js").PageState) => Tile[]} [more] the lab's own
 */
export function mountTiles(element, store, lab, more) {
  const names = lab.view.tiles.length ? lab.view.tiles : lab.counters.slice(0, 4).map((counter) => counter.name);
  /** @type {Map<string, {value: HTMLElement, unit: HTMLElement, box: HTMLElement}>} */
  const boxes = new Map();
  let asked = 0;

  /** @param {Tile} tile */
  function place(tile) {
    let box = boxes.get(tile.name);
    if (!box) {
      const value = el("span", { class: "value" });
      const unit = el("span", { class: "unit" });
      const frame = el("div", { class: "tile", "data-tile": tile.name }, el("p", { class: "title" }, tile.title), el("p", {}, value, unit));
      box = { value, unit, box: frame };
      boxes.set(tile.name, box);
      element.append(frame);
    }
    write(box.value, tile.value);
    write(box.unit, tile.unit ? ` ${tile.unit}` : "");
    box.box.dataset.tone = tile.tone ?? "";
  }

  function show() {
    asked = 0;
    const { state } = store;
    for (const name of names) {
      const counter = lab.counters.find((entry) => entry.name === name);
      const [value, unit] = quantity(state.counters[name] ?? 0, counter?.unit ?? "");
      place({ name, title: counter?.title ?? name, value, unit });
    }
    for (const tile of more?.(state) ?? []) place(tile);
  }

  fill(element);
  store.subscribe(() => {
    asked ||= requestAnimationFrame(show);
  });
  show();
}
