/** The proxy lab's page: times with and without the cache, every request with its verdict, and what is stored. */

import { fetchDetails, fetchSummary } from "./caching_proxy/compare.js";
import { mountContents } from "./caching_proxy/contents.js";
import { Model } from "./caching_proxy/model.js";
import { mountPicture } from "./caching_proxy/picture.js";
import { mountRequests } from "./caching_proxy/requests.js";

/** The queries and actions that have their place here. */
export const handles = ["objects", "object", "body", "purge", "purge_all"];

/** @param {HTMLElement} element @param {import("../keep.js").Store} store @param {import("../types.js").Page} page */
export function picture(element, store, page) {
  const model = new Model();
  const contents = mountContents(store, page);
  const requests = mountRequests(model, store, contents.openUrl);
  const drawn = mountPicture(element, model, store, page, (entry) => requests.open(entry));

  store.subscribe((state, change) => {
    if (change.replaced) {
      model.clear();
      drawn.reset();
      requests.reset();
    }
    if (model.add(change.marks) || change.replaced) contents.touched();
    const news = change.replaced || change.marks.length || change.type === "state" || change.type === "pause" || change.type === "request";
    if ((!state.paused || change.type === "pause") && (news || change.type === "frame")) drawn.plan();
    if ((!state.paused || change.type === "pause") && news) requests.plan();
  });
  Object.assign(window, { socketLab: { requests: () => model.requests, compared: () => model.compared, spots: drawn.chart.spots } });
  return { model };
}

/** @param {import("../types.js").Request} request */
export function resultSummary(request) {
  return fetchSummary(request);
}

/** @param {import("../types.js").Request} request */
export function resultDetails(request) {
  return fetchDetails(request);
}
