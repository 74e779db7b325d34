/** A small drawing: client, proxy and origin, and how far a request went. */

import { svg } from "../../dom.js";
import { milliseconds } from "../../format.js";
import { lookOf } from "./verdicts.js";

/** @typedef {import("./model.js").Asked} Asked */
/** @typedef {{from: number, to: number, y: number, words: string, side: "out"|"back"|"none"|"loss", end: boolean}} Arrow */

const STATIONS = [["Client", 40], ["Proxy", 260], ["Origin", 480]];
const EDGE = 36;
const [CLIENT, PROXY, ORIGIN] = STATIONS.map(([, x]) => Number(x));

/**
 * The arrows of a request, from above. Pure.
 * @param {Pick<Asked, "verdict"|"method"|"status"|"ms"|"originMs"> & {origin?: string}} entry @returns {Arrow[]}
 */
export function arrowsOf({ verdict, method, status, ms, originMs, origin }) {
  const { far } = lookOf(verdict);
  /** @type {Arrow} */
  const asked = { from: CLIENT, to: PROXY, y: 52, words: method || "?", side: "out", end: true };
  /** @type {Arrow} */
  const got = { from: PROXY, to: CLIENT, y: 88, words: `${status || "no answer"} after ${milliseconds(ms)}`, side: status ? "back" : "loss", end: true };
  const after = originMs === null ? "" : ` after ${milliseconds(originMs)}`;
  /** @param {string} out @param {string} back @param {"back"|"loss"|"none"} side @returns {Arrow[]} */
  const beyond = (out, back, side) => [
    { from: PROXY, to: ORIGIN, y: 52, words: out, side: side === "none" ? "none" : "out", end: side !== "none" },
    { from: ORIGIN, to: PROXY, y: 88, words: back, side, end: side !== "none" },
  ];
  switch (originMs !== null && far === "not asked" ? "answered" : far) {
    case "not asked":
      return [asked, { from: PROXY, to: ORIGIN, y: 70, words: "not asked", side: "none", end: false }, got];
    case "confirmed":
      return [asked, ...beyond("still good?", `304${after}`, "back"), got];
    case "shared":
      return [asked, ...beyond("asked already,", "for another client", "none"), got];
    case "tunnel":
      return [asked, ...beyond("bytes", "bytes", "back"), got];
    case "failed":
      if (origin === "") return [asked, { from: PROXY, to: ORIGIN, y: 70, words: "not reached", side: "none", end: false }, got];
      return [asked, ...beyond(method, "no usable answer", "loss"), got];
    default:
      return [asked, ...beyond(method || "?", `head${after}`, "back"), got];
  }
}

/** @param {Asked} entry */
export function routeOf(entry) {
  const arrows = arrowsOf(entry);
  const stations = STATIONS.map(([name, x], place) => {
    const reached = place < 2 || arrows.some((arrow) => arrow.to === ORIGIN && arrow.side === "out");
    return svg("g", { class: reached ? "station" : "station off" }, svg("rect", { x: Number(x) - EDGE, y: 10, width: 2 * EDGE, height: 100, rx: 6 }), label(String(name), Number(x), 100));
  });
  const words = `${entry.method} from the client to the proxy. ${arrows.filter((arrow) => arrow.from !== CLIENT && arrow.to !== CLIENT).map((arrow) => arrow.words).join(", ")}. ${arrows.at(-1)?.words}.`;
  return svg("svg", { viewBox: "0 0 520 120", class: "route", role: "img", "aria-label": words }, ...stations, ...arrows.map(arrow));
}

/** @param {string} words @param {number} x @param {number} y */
function label(words, x, y) {
  const text = svg("text", { x, y, "text-anchor": "middle" });
  text.textContent = words;
  return text;
}

/** @param {Arrow} entry */
function arrow({ from, to, y, words, side, end }) {
  const step = Math.sign(to - from);
  const [start, stop] = [from + step * EDGE, to - step * EDGE];
  const head = end && svg("path", { class: "head", d: `M${stop} ${y}l${-8 * step}-4.5v9z` });
  return svg("g", { class: `arrow ${side}` }, svg("path", { class: "line", d: `M${start} ${y}H${stop - (end ? 4 * step : 0)}` }), ...(head ? [head] : []), label(words, (start + stop) / 2, y - 6));
}
