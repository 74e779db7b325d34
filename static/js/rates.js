/** The picture of a lab that brings none: its counters' rates per second. */

import { axis, COLOURS, DASHES, timeAxis, timed, uPlot } from "./chartbase.js";
import { all, el, fill } from "./dom.js";
import { number } from "./format.js";
import { rateColumns } from "./ratecolumns.js";

/** @param {HTMLElement} element @param {import("./keep.js").Store} store @param {import("./types.js").Page} page */
export function ratesPicture(element, store, page) {
  const lab = /** @type {import("./types.js").Lab} */ (page.lab);
  const names = lab.view.tiles.length ? lab.view.tiles : lab.counters.slice(0, 6).map((counter) => counter.name);
  const titles = names.map((name) => lab.counters.find((counter) => counter.name === name)?.title ?? name);
  const box = el("div", { class: "plot" });
  const empty = el("p", { class: "empty over" }, "No traffic in the chart yet: send a request, or connect a program of your own.");
  const legend = el("div", { class: "legend" }, ...titles.map((title, place) => el("button", { type: "button", "aria-pressed": "true", "data-series": place + 1 }, el("i", { class: `swatch s${place % COLOURS.length}` }), title)));
  const body = el("tbody");
  const table = el("details", { class: "more" }, el("summary", {}, "The same as a table"), el("div", { class: "scroll" }, el("table", { class: "grid" }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Time"), ...titles.map((title) => el("th", { scope: "col" }, `${title} /s`)))), body)));
  fill(element, el("div", { class: "headline" }, el("h2", {}, "Per second")), el("div", { class: "stage" }, box, empty), legend, table);
  /** @type {import("uplot")|null} */
  let chart = null;
  let asked = 0;
  const hidden = new Set();

  function make() {
    chart?.destroy();
    const series = [{}, ...titles.map((label, place) => ({ label, stroke: COLOURS[place % COLOURS.length], dash: DASHES[place % DASHES.length], width: 2, show: !hidden.has(place + 1), points: { show: false } }))];
    chart = new uPlot({ width: box.clientWidth || 600, height: 300, series, scales: { y: { range: (_, __, max) => [0, Math.max(1, 1.1 * (max ?? 1))] } }, axes: [timeAxis(true), axis("per second")], legend: { show: false } }, columns(), box);
  }
  const columns = () => /** @type {import("uplot").AlignedData} */ (/** @type {unknown} */ (rateColumns(store.state.seconds, names)));
  function draw() {
    asked = 0;
    if (store.state.paused) return;
    const data = columns();
    empty.hidden = data[0].length > 0;
    timed(() => chart?.batch(() => chart?.setData(data)));
    if (table.open) fill(body, ...Array.from(data[0], (t, row) => el("tr", {}, el("td", {}, new Date(t * 1000).toLocaleTimeString()), ...names.map((_, place) => el("td", {}, number(Number(data[place + 1][row])))))).slice(-300));
  }
  for (const button of all(legend, "button")) {
    button.addEventListener("click", () => {
      const series = Number(button.dataset.series);
      if (!hidden.delete(series)) hidden.add(series);
      button.setAttribute("aria-pressed", String(!hidden.has(series)));
      chart?.setSeries(series, { show: !hidden.has(series) });
    });
  }
  new ResizeObserver(() => chart?.setSize({ width: box.clientWidth, height: 300 })).observe(box);
  document.addEventListener("look", make);
  table.addEventListener("toggle", draw);
  store.subscribe(() => {
    asked ||= requestAnimationFrame(draw);
  });
  make();
  return {};
}
