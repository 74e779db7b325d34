/** The timeline: a lane per client over one axis of time that moves on. */

import { typeSize } from "../../chartbase.js";
import { el, fill, write } from "../../dom.js";
import { clock } from "../../format.js";
import { drawAxis } from "./draw.js";
import { createLane } from "./lane.js";
import { axisTimes, topOf } from "./layout.js";

/** Milliseconds in which a lane goes to another place: the eye can follow it. */
const MOVES_MS = 350;

/** @typedef {import("./client.js").Client} Client */
/** @typedef {import("./lane.js").Lane} Lane */

/** Let rows that have another place go there, where motion is wanted. @param {Map<HTMLElement, number>} stood where they stood */
function glide(stood) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const [row, top] of stood) {
    const way = row.isConnected ? top - row.offsetTop : 0;
    if (way) row.animate([{ transform: `translateY(${way}px)` }, { transform: "none" }], { duration: MOVES_MS, easing: "ease" });
  }
}

/**
 * @param {import("./model.js").Model} model
 * @param {{name: (client: Client) => string, about: (client: Client) => string, mine: (client: Client) => boolean,
 *   read: (words: string, lane: Lane|null) => void, tell: (text: string, lane: Lane) => void, plan: () => void}} hooks
 */
export function createLanes(model, { name, about, mine, read, tell, plan }) {
  const list = el("ul", { class: "lanes", "aria-label": "Clients" });
  const axis = el("canvas", { class: "axis", "aria-hidden": "true" });
  const element = el("div", { class: "timeline" }, el("div", { class: "lanescroll" }, list), el("div", { class: "axisrow" }, axis));
  /** @type {Map<string, Lane>} */
  const lanes = new Map();
  /** @type {Client[]} */
  let order = [];

  const sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      for (const lane of lanes.values()) if (lane.row === target) lane.seen = isIntersecting;
    }
    plan();
  }, { rootMargin: "300px" });
  const hooks = {
    read(/** @type {Lane} */ lane, /** @type {string} */ words) {
      read(`${name(lane.client)}: ${words}`, lane);
      plan();
    },
    letGo() {
      read("", null);
      plan();
    },
    tell,
  };

  /** The lanes in their order; under a pointer, which may be about to press, none changes its place. @param {boolean} living */
  function ordered(living) {
    const found = model.lanes().filter((client) => !living || client.lives);
    if (!list.matches(":hover") || !matchMedia("(hover: hover)").matches) return found;
    const places = new Map(order.map((client, place) => [client, place]));
    const placeOf = (/** @type {Client} */ client) => places.get(client) ?? order.length;
    return found.sort((a, b) => placeOf(a) - placeOf(b));
  }
  /** @param {number} now @param {boolean} living only the living */
  function update(now, living) {
    order = ordered(living);
    const stood = order.some(({ peer }, place) => lanes.has(peer) && lanes.get(peer)?.row.style.order !== String(place)) ? new Map([...lanes.values()].map(({ row }) => [row, row.offsetTop])) : null;
    const wanted = new Set(order);
    for (const [peer, lane] of lanes) {
      if (wanted.has(lane.client)) continue;
      sight.unobserve(lane.row);
      lane.row.remove();
      lanes.delete(peer);
    }
    for (const [place, client] of order.entries()) {
      let lane = lanes.get(client.peer);
      if (!lane) {
        lane = createLane(client, hooks);
        lanes.set(client.peer, lane);
        list.append(lane.row);
        sight.observe(lane.row);
      }
      lane.update(name(client), about(client), now, mine(client), place);
    }
    if (stood) glide(stood);
    element.dataset.many = order.length > 12 ? "yes" : "no";
  }

  /** @param {[number, number]} range */
  function draw(range) {
    const top = topOf(order, range);
    const width = axis.clientWidth;
    const { step, times } = axisTimes(range, Math.max(2, Math.floor(width / (6.5 * typeSize()))));
    const parts = times.map((t) => (t - range[0]) / (range[1] - range[0]));
    for (const lane of lanes.values()) if (lane.seen) lane.draw(range, top, parts);
    drawAxis(axis, times.map((t, place) => ({ x: parts[place] * width, words: clock(t, step < 1 ? 1 : 0) })));
    return top;
  }

  return {
    element, update, draw,
    get held() {
      return [...lanes.values()].some((lane) => lane.held);
    },
    get width() {
      return axis.clientWidth;
    },
    /** What was drawn last, for those who want to know. */
    drawn: () => order.flatMap((client) => {
      const lane = lanes.get(client.peer);
      return lane?.seen ? [{ peer: client.peer, name: name(client), state: client.state, ...lane.laid }] : [];
    }),
    /** @param {string} words */
    empty(words) {
      let line = list.querySelector(".nolanes");
      if (!words) line?.remove();
      else {
        if (!line) fill(list, (line = el("li", { class: "nolanes empty" })));
        write(line, words);
      }
    },
  };
}
