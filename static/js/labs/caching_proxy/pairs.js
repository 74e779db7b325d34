/** The same address with and without the cache: two bars each, the longer one as wide as there is room. */

import { el, fill } from "../../dom.js";
import { milliseconds, plural } from "../../format.js";
import { share } from "./scale.js";
import { fasterWords, urlParts } from "./words.js";

/** @typedef {import("./model.js").Pair} Pair */

/** @param {HTMLElement} element @param {Pair[]} pairs */
export function showPairs(element, pairs) {
  fill(element, ...pairs.map(({ url, cache, origin }) => el(
    "li", {}, urlView(url),
    bar("from the origin", origin, share(origin.median, cache.median), "origin"), bar("from the cache", cache, share(cache.median, origin.median), "cache"),
    el("p", { class: "faster" }, fasterWords(cache.median, origin.median)),
  )));
}

/** @param {string} words @param {import("./model.js").Times} times @param {number} part @param {"origin"|"cache"} side */
function bar(words, { median, count }, part, side) {
  const length = el("i", { class: side, "aria-hidden": "true" });
  length.style.width = `${100 * part}%`;
  return el("div", { class: "pairbar" }, el("span", { class: "words" }, words), el("span", { class: "length" }, length), el("span", { class: "ms", title: `median of ${plural(count, "answer")}` }, milliseconds(median)));
}

/** A URL whose end is seen even where there is little room. @param {string} url */
export function urlView(url) {
  const [first, rest] = urlParts(url);
  return el("span", { class: "urlview", title: url }, first && el("span", { class: "host" }, first), el("span", { class: "path" }, rest));
}

