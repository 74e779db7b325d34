/** One stored response: its freshness, its fields, its body as text or as a picture, and its variants. */

import { dataPath } from "../../calls.js";
import { el, fill, write } from "../../dom.js";
import { clock, count, plural, size } from "../../format.js";
import { mountTabs } from "../../shell.js";
import { ageWords, freshnessNow } from "./words.js";

/**
 * @typedef {{id: number, url: string, status: number, media: string, size: number, length: number, complete: boolean, variants: number,
 *   age: number, ttl: number, why: string, invalid: boolean, hits: number, used: number|null, stored: number}} Stored
 */

/** @param {HTMLElement} element @param {string} words */
export function emptyObject(element, words) {
  fill(element, el("p", { class: "empty" }, words));
}

/**
 * @param {HTMLElement} element @param {any} object @param {string} base @param {Node|null} purge @param {(id: number) => void} open
 * @returns {(now: number) => void}
 */
export function showObject(element, object, base, purge, open) {
  fill(element, el("h3", { tabindex: "-1" }, object.url), purge);
  return () => {};
}
