/** The race's chart: clients in line over the time, a line for each model. */

import { axis, timed, uPlot } from "../../chartbase.js";
import { columns, elapsed } from "./racemodel.js";
import { look } from "./racelane.js";

/** @typedef {import("./racemodel.js").Run} Run */

const HEIGHT = 150;

/** @param {HTMLElement} element */
export function createChart(element) {
  /** @type {import("uplot")|null} */
  let chart = null;
  /** @type {Run|null} */
  let shown = null;

  const data = () => /** @type {import("uplot").AlignedData} */ (shown ? columns(shown) : [[]]);
  const height = () => HEIGHT * (document.documentElement.dataset.projector === "on" ? 1.2 : 1);
  const width = () => Math.max(240, element.clientWidth);
  const whole = (/** @type {number} */ value) => (Number.isInteger(value) ? String(value) : "");

  function make() {
    chart?.destroy();
    if (!shown) return;
    const { clients, lanes } = shown;
    chart = new uPlot({
      width: width(), height: height(), legend: { show: false }, padding: [8, 12, 0, 0],
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: false, range: () => [0, Math.max(1, elapsed(/** @type {Run} */ (shown)))] }, y: { range: () => [0, Math.max(2, clients * 1.05)] } },
      axes: [axis("seconds since the start", { size: 24, values: (_, splits) => splits.map(String) }), axis("clients in line", { values: (_, splits) => splits.map(whole) })],
      series: [{}, ...lanes.map(({ model }) => ({ label: model, ...look(model), width: 2.5, points: { show: false }, paths: uPlot.paths.stepped?.({ align: 1 }) }))],
    }, data(), element);
  }

  /** @param {Run} run */
  function update(run) {
    if (run !== shown) {
      shown = run;
      make();
    } else timed(() => chart?.setData(data()));
  }
  new ResizeObserver(() => {
    if (chart && element.clientWidth > 0 && chart.width !== width()) chart.setSize({ width: width(), height: height() });
  }).observe(element);
  document.addEventListener("look", make);
  return { update };
}
