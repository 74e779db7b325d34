/** The replay lab's page: the way with its mode, a recording in three clicks, every exchange, and the tape. */

import { mountExchanges } from "./tcp_replay/exchanges.js";
import { foldSettings } from "./tcp_replay/folds.js";
import { Model } from "./tcp_replay/model.js";
import { mountRecord } from "./tcp_replay/record.js";
import { mountTape } from "./tcp_replay/tape.js";
import { mountWay } from "./tcp_replay/way.js";

export { sessionAnswer } from "./tcp_replay/step.js";
export { runDetails as resultDetails, runSummary as resultSummary } from "./tcp_replay/timeline.js";

/** The queries and actions that have their place here. */
export const handles = ["tape", "exchange", "file", "tapes", "edit", "remove", "clear", "upload", "rewind"];

/** @param {HTMLElement} element @param {import("../keep.js").Store} store @param {import("../types.js").Page} page */
export function picture(element, store, page) {
  const model = new Model();
  const way = mountWay(element, model, store, page);
  const record = mountRecord(store, page);
  element.append(...document.querySelectorAll("#record"));
  const faults = foldSettings(page.lab?.settings ?? []);
  faults(store.state.instance?.settings ?? {});
  const tape = mountTape(store, page, way.tape);
  const exchanges = mountExchanges(model, store, page, tape.open);

  store.subscribe((state, change) => {
    if (change.replaced) {
      model.clear();
      exchanges.reset();
    }
    if (model.add(change.marks) || change.replaced) tape.touched();
    if (change.type === "state" || change.replaced) faults(state.instance?.settings ?? {});
    if (state.paused && change.type !== "pause") return;
    way.plan();
    record.plan();
    if (change.replaced || change.marks.length || change.type !== "frame") exchanges.plan();
  });
  Object.assign(window, { socketLab: { exchanges: () => model.exchanges } });
  return { model, overview: record.overview };
}
