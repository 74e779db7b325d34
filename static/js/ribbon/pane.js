/** One way of the chosen connection on a canvas of its own: what of it is in view, what is picked, and its drawing. */

import { fit, timed } from "../chartbase.js";
import { el } from "../dom.js";
import { drawScene } from "./draw.js";
import { fitted, held, newest, zoomed } from "./layout.js";
import { ENDS } from "./model.js";
import { paletteOf } from "./palette.js";
import { heightsOf, PAD, sceneOf } from "./scene.js";
import { createScrollbar } from "./scrollbar.js";
import { tally } from "./meeting.js";
import { tallyWords, titleOf, WAYS, whyEmpty } from "./words.js";

/** @typedef {import("./model.js").Connection} Connection */
/** @typedef {import("./words.js").Level} Level */
/** @typedef {import("./draw.js").Spot} Spot */
/** @typedef {ReturnType<typeof createPane>} Pane */

/** Pixels a byte has, for type of 12 pixels, while the newest are followed: each of them legible. */
const READABLE = 10;
const READ_OUT = 200;
const NEWEST = 3;

/** @param {import("./model.js").Way} way @param {{ask: () => void, now: () => number}} with_ */
export function createPane(way, { ask, now }) {
  const canvas = el("canvas", { role: "img", tabindex: "0", "aria-describedby": "stream-keys" });
  const bar = createScrollbar((from) => move((view) => ({ ...view, from })));
  const element = el("div", { class: "ribbonpane", "data-way": way }, canvas, bar.element);
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  /** @type {Connection|null} */
  let connection = null;
  /** @type {"newest"|"all"|"free"} */
  let mode = "newest";
  /** @type {number|null} the scale chosen while following */
  let own = null;
  let view = fitted(1, 600);
  let width = 0;
  /** @type {Spot|null} */
  let picked = null;
  /** @type {Spot|null} */
  let hovered = null;
  /** @type {import("./scene.js").Scene|null} */
  let scene = null;

  const rows = () => connection?.ways[way] ?? null;
  const extent = () => Math.max(rows()?.upper.extent ?? 0, rows()?.lower.extent ?? 0);

  /** Where the newest few calls begin: they are in view while the newest are followed. */
  function start() {
    const found = rows();
    const row = found && (found.upper.end >= found.lower.end ? found.upper : found.lower);
    return row?.calls[Math.max(0, row.calls.length - NEWEST)]?.offset ?? 0;
  }
  function settle() {
    const room = Math.max(40, width - 2 * PAD);
    const all = fitted(extent(), room);
    const readable = own ?? Math.min((READABLE * paletteOf(way).size) / 12, room / Math.max(1, extent() - start()));
    if (mode === "all" || (mode === "newest" && own === null && all.scale >= readable)) view = all;
    else if (mode === "newest") view = newest(extent(), held({ from: 0, scale: readable, width: room }, extent()).scale, room);
    else view = held({ ...view, width: room }, extent());
  }
  /** The view is the person's from now on. @param {(view: import("./layout.js").View) => import("./layout.js").View} change */
  function move(change) {
    settle();
    mode = "free";
    view = held(change(view), extent());
    ask();
  }
  function draw() {
    const found = rows();
    const palette = paletteOf(way);
    const at = heightsOf(palette.size);
    width ||= canvas.clientWidth; // it was hidden: the observer will tell after this frame
    canvas.style.height = `${at.height}px`;
    fit(canvas, ctx, width, at.height);
    settle();
    scene = found && sceneOf(found, view);
    if (!scene || !connection || !found) {
      ctx.clearRect(0, 0, width, at.height);
      bar.show(0, 1, 1);
      return;
    }
    const why = { upper: whyEmpty(connection, way, "upper", now()), lower: whyEmpty(connection, way, "lower", now()) };
    const sender = connection.ends[ENDS[way][0]];
    const setting = { rows: found, ended: Boolean(sender?.closed), palette, width, why, picked: hovered ?? picked, titles: { upper: titleOf(way, "upper"), lower: titleOf(way, "lower") } };
    const drawn = scene;
    timed(() => drawScene(ctx, drawn, setting));
    bar.show(view.from, view.width / view.scale, Math.max(1, extent()));
  }
  /** Say in the canvas's label what is drawn on it: not at every frame. */
  function describe() {
    const found = rows();
    const words = found && connection ? [`Byte stream ${WAYS[way].slice(way === "to_client" ? 2 : 0, way === "to_client" ? undefined : -2)}`, `${found.upper.told} sends, ${found.lower.told} reads, ${extent()} bytes`, tallyWords(tally(found.upper, found.lower)), whyEmpty(connection, way, "upper", now()), whyEmpty(connection, way, "lower", now())] : ["No calls yet"];
    const label = words.filter(Boolean).join(". ");
    if (canvas.getAttribute("aria-label") !== label) canvas.setAttribute("aria-label", label);
  }

  /** The call at a place of the canvas. @param {number} x @param {number} y @returns {Spot|null} */
  function spotAt(x, y) {
    const at = heightsOf(paletteOf(way).size);
    /** @type {Level|undefined} */
    const level = y >= at.upper && y < at.upper + at.row ? "upper" : y >= at.lower && y < at.lower + at.row ? "lower" : undefined;
    const row = level && rows()?.[level];
    if (!row || !level) return null;
    const offset = view.from + (x - PAD) / view.scale;
    const place = row.first(offset);
    return row.calls[place] && row.calls[place].offset <= offset ? { level, place } : null;
  }

  new ResizeObserver(() => {
    width = canvas.clientWidth;
    ask();
  }).observe(canvas);

  return {
    way, element, canvas, draw, describe, spotAt, move, extent, rows,
    get view() { return view; },
    get mode() { return mode; },
    get picked() { return picked; },
    get shown() { return hovered ?? picked; },
    /** Another connection: its newest bytes, or all if all were in view. @param {Connection|null} next */
    show(next) {
      connection = next;
      [picked, hovered, own, mode] = [null, null, null, mode === "all" ? "all" : "newest"];
      describe();
    },
    /** @param {"newest"|"all"} next */
    follow(next) {
      [mode, own] = [next, null];
      ask();
    },
    /** @param {number} factor @param {number} [x] the pixel whose byte stays; without: what is followed stays in view */
    zoom(factor, x) {
      settle();
      if (x === undefined && mode === "newest") own = zoomed(view, factor, view.width, extent()).scale;
      else move((before) => zoomed(before, factor, x === undefined ? before.width / 2 : x - PAD, extent()));
      ask();
    },
    /** @param {Spot|null} spot */
    hover(spot) {
      if (spot?.level === hovered?.level && spot?.place === hovered?.place) return false;
      hovered = spot;
      ask();
      return true;
    },
    /** Pick a call, and bring it into view. @param {Spot|null} spot */
    pick(spot) {
      [picked, hovered] = [spot, null];
      const call = spot && rows()?.[spot.level].calls[spot.place];
      const shown = view.width / view.scale;
      if (call && (call.offset < view.from || call.offset + Math.min(call.size, shown) > view.from + shown + 1e-6)) move((before) => ({ ...before, from: call.offset - Math.max(0, shown - call.size) / 2 }));
      ask();
    },
    /** What is drawn, in CSS pixels of the canvas: of each row the first calls that have a block of their own. */
    readOut() {
      const at = heightsOf(paletteOf(way).size);
      const found = rows();
      const blocks = (/** @type {Level} */ level) => (scene && found ? scene[level].filter((box) => box.count === 1).slice(0, READ_OUT) : []).map((box) => {
        const call = /** @type {import("./row.js").Row} */ (found?.[level]).calls[box.place];
        return { row: level, number: call.number, offset: call.offset, size: call.size, shared: box.shared, x: box.x, y: at[level], width: box.width, height: at.row, seams: box.seams };
      });
      const bands = (/** @type {Level} */ level) => (scene?.[level] ?? []).filter((box) => box.count > 1).map((box) => ({ row: level, from: box.from, to: box.to, count: box.count, x: box.x, width: box.width }));
      return {
        way, mode, view, extent: extent(), blocks: [...blocks("upper"), ...blocks("lower")], bands: [...bands("upper"), ...bands("lower")],
        threads: (scene?.threads ?? []).slice(0, READ_OUT).map(({ x, width: wide }) => ({ x, width: wide })), gaps: scene?.gaps ?? [],
        why: connection ? { upper: whyEmpty(connection, way, "upper", now()), lower: whyEmpty(connection, way, "lower", now()) } : null,
      };
    },
  };
}
