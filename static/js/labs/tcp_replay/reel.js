/** The tape as a cassette: the reel at the left winds up as the tape fills. */

import { svg } from "../../dom.js";
import { fullness } from "./words.js";

const HUB = 7;
const FULL = 23;
const STEP = 40;
/** @type {[number, number][]} */
const PLACES = [[33, 34], [87, 34]];

/** How far the tape reaches on both reels. Pure. @param {number} exchanges @returns {[number, number]} radii */
export function radii(exchanges) {
  const part = fullness(exchanges);
  return [HUB + 3 + (FULL - HUB - 3) * part, FULL - (FULL - HUB - 3) * part * 0.85];
}

/** The drawing, and how it shows a state. */
export function createReel() {
  const wound = PLACES.map(([cx, cy]) => svg("circle", { cx, cy, r: HUB, class: "wound" }));
  const hubs = PLACES.map(([x, y]) => {
    const hub = svg("g", { class: "hub" }, svg("circle", { cx: 0, cy: 0, r: HUB }), ...[0, 60, 120].map((turn) => svg("path", { d: `M0 ${-HUB + 1}V${HUB - 1}`, transform: `rotate(${turn})` })));
    return { hub, x, y };
  });
  const lamp = svg("circle", { cx: 60, cy: 59, r: 3.4, class: "lamp" });
  const element = svg(
    "svg", { viewBox: "0 0 120 68", class: "reel", "aria-hidden": "true" },
    svg("rect", { x: 1.5, y: 1.5, width: 117, height: 65, rx: 7, class: "shell" }),
    ...wound, svg("path", { d: "M14 57L60 49L106 57", class: "band" }), ...hubs.map(({ hub }) => hub), lamp,
  );
  return {
    element,
    /** @param {number} exchanges on the tape @param {string} mode @param {number} turns how often it moved */
    show(exchanges, mode, turns) {
      const [left, right] = radii(exchanges);
      wound[0].setAttribute("r", left.toFixed(1));
      wound[1].setAttribute("r", right.toFixed(1));
      for (const { hub, x, y } of hubs) /** @type {SVGElement} */ (hub).style.transform = `translate(${x}px, ${y}px) rotate(${turns * STEP}deg)`;
      element.setAttribute("data-mode", mode);
    },
  };
}
