/** The rail: each lab with the state of its servers, and the servers under it. */

import { all, el, fill, one, write } from "./dom.js";

/** @typedef {import("./types.js").Summary} Summary */

const WORST = ["failed", "backoff", "starting", "stopping", "running", "stopped"];

/** The state that speaks for several: trouble first. @param {Summary[]} instances */
export function overall(instances) {
  return WORST.find((state) => instances.some((instance) => instance.state === state)) ?? "none";
}

/** @param {string} [here] the instance of this page */
export function mountRail(here = "") {
  const rail = document.getElementById("rail");
  /** @param {Summary[]} instances */
  return (instances) => {
    if (!rail) return;
    for (const entry of all(rail, "li[data-lab]")) {
      const mine = instances.filter((instance) => instance.lab === entry.dataset.lab);
      const state = overall(mine);
      one(entry, ".dot").dataset.state = state;
      write(one(entry, ".word"), state === "none" ? "" : mine.length > 1 ? `${mine.length}` : state);
      const list = one(entry, "ul");
      const shape = mine.map((instance) => `${instance.id} ${instance.state} ${instance.title} ${instance.address}`).join("|");
      if (list.dataset.shape === shape) continue;
      list.dataset.shape = shape;
      fill(list, ...mine.map((instance) => line(instance, here)));
    }
  };
}

/** @param {Summary} instance @param {string} here */
function line(instance, here) {
  return el(
    "li", {},
    el(
      "a", { href: `/instances/${instance.id}`, "aria-current": instance.id === here ? "page" : null, title: instance.address },
      el("i", { class: "dot", "data-state": instance.state, "aria-hidden": "true" }),
      el("span", {}, instance.title),
      el("small", { class: "word" }, instance.state),
    ),
  );
}
