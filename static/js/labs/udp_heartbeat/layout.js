/** Where everything of a lane stands, in CSS pixels. Pure: what is drawn is what this returns. */

import { firstWhere } from "../../search.js";

/** @typedef {import("./client.js").Client} Client */
/**
 * @typedef {"plain"|"late"|"copy"|"overtaken"} Look
 * @typedef {{x: number, height: number, look: Look, beat: import("./client.js").Beat}} Tick height 0 to 1
 * @typedef {{x: number, cross: import("./client.js").Missing}} Cross
 * @typedef {{x: number, width: number, state: string, why: string}} Band
 * @typedef {{x: number, kind: string, words: string, t: number}} Mark
 * @typedef {{ticks: Tick[], crosses: Cross[], bands: Band[], marks: Mark[]}} Laid
 */

/** What a tick shows at least. */
export const LEAST = 0.25;
const MOST_EVER = 3000;

/**
 * @param {Client} client @param {[number, number]} range @param {number} width @param {number} top ms above the smallest
 *   that reach the top @returns {Laid}
 */
export function layLane(client, [from, to], width, top) {
  const place = (/** @type {number} */ t) => ((t - from) / (to - from)) * width;
  return {
    ticks: ticksOf(client, from, to, place, top),
    crosses: thin(client.missing.slice(firstAt(client.missing, from - 1)).filter(({ came, t }) => !came && t >= from && t <= to).map((cross) => ({ x: place(cross.t), cross }))),
    bands: client.spans.filter((span) => (span.to ?? to) >= from && span.from <= to).map((span) => band(span, from, to, place)).filter(({ width: wide }) => wide > 0),
    marks: client.flags.filter(({ t }) => t >= from && t <= to).map(({ t, kind, words, away }) => ({ x: place(t), kind, words: kind === "back" ? `back after ${span(away)}` : words, t })),
  };
}

/** @param {Client} client @param {number} from @param {number} to @param {(t: number) => number} place @param {number} top @returns {Tick[]} */
function ticksOf({ beats }, from, to, place, top) {
  /** @type {Tick[]} */
  const ticks = [];
  for (let i = firstAt(beats, from); i < beats.length && beats[i].t <= to; i += 1) {
    const beat = beats[i];
    ticks.push({ x: place(beat.t), height: heightOf(beat.above, top), look: lookOf(beat), beat });
  }
  return thin(ticks);
}

/** @param {import("./client.js").Span} span @param {number} from @param {number} to @param {(t: number) => number} place @returns {Band} */
function band(span, from, to, place) {
  const x = place(Math.max(from, span.from));
  return { x, width: place(Math.min(to, span.to ?? to)) - x, state: span.state, why: span.why };
}

/** @param {number|null} above @param {number} top */
function heightOf(above, top) {
  return above === null || !(top > 0) ? LEAST : LEAST + (1 - LEAST) * Math.min(1, above / top);
}

/** @param {import("./client.js").Beat} beat @returns {Look} */
export function lookOf({ how, late }) {
  if (how === "duplicate") return "copy";
  if (how === "reordered") return "overtaken";
  return late ? "late" : "plain";
}

/** Of very many only so many as can be seen: of neighbours on the same third of a pixel, the last. @template {{x: number}} T @param {T[]} list @returns {T[]} */
function thin(list) {
  if (list.length <= MOST_EVER) return list;
  return list.filter((entry, place) => place === list.length - 1 || Math.floor(3 * list[place + 1].x) !== Math.floor(3 * entry.x));
}

/** The first entry that is not before `t`: they are in order of time. @param {{t: number}[]} list @param {number} t */
export function firstAt(list, t) {
  return firstWhere(list, (entry) => entry.t >= t);
}

/** How many ms above the smallest reach the top of a lane: the largest in view, rounded up to 1, 2, 5, 10, … @param {Client[]} clients @param {[number, number]} range */
export function topOf(clients, [from, to]) {
  let most = 0;
  for (const { beats } of clients) {
    for (let i = firstAt(beats, from); i < beats.length && beats[i].t <= to; i += 1) most = Math.max(most, beats[i].above ?? 0);
  }
  if (most <= 0.1) return most > 0 ? 0.1 : 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return power * ([1, 2, 5, 10].find((step) => step * power >= most * 0.999) ?? 10);
}

/** The times of the axis: round ones, so many that their labels have room. @param {[number, number]} range @param {number} room labels */
export function axisTimes([from, to], room) {
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600, 7200].find((size) => (to - from) / size <= room) ?? 4 * 3600;
  const times = [];
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) times.push(t);
  return { step, times };
}

/** @typedef {{kind: "beat", tick: Tick} | {kind: "missing", cross: Cross} | {kind: "mark", mark: Mark} | {kind: "band", band: Band}} Found */

/** What is next to `x`: a heartbeat or a cross within reach, else the band. @param {Laid} laid @param {number} x @returns {Found|null} */
export function nearestTo(laid, x) {
  /** @type {Found|null} */
  let found = null;
  let best = 14;
  for (const tick of laid.ticks) {
    const far = Math.abs(tick.x - x);
    if (far < best) [best, found] = [far, { kind: "beat", tick }];
  }
  for (const cross of laid.crosses) {
    const far = Math.abs(cross.x - x);
    if (far < best) [best, found] = [far, { kind: "missing", cross }];
  }
  if (found) return found;
  const band = laid.bands.find((entry) => x >= entry.x && x <= entry.x + entry.width);
  return band ? { kind: "band", band } : null;
}

/** All that can be stepped through with the keys, from left to right. @param {Laid} laid @returns {{x: number, found: Found, what: object}[]} */
export function stepsOf(laid) {
  const ticks = laid.ticks.map((tick) => ({ x: tick.x, what: tick.beat, found: /** @type {Found} */ ({ kind: "beat", tick }) }));
  const crosses = laid.crosses.map((cross) => ({ x: cross.x, what: cross.cross, found: /** @type {Found} */ ({ kind: "missing", cross }) }));
  return [...ticks, ...crosses].sort((a, b) => a.x - b.x);
}

/** A time in seconds as the lane says it. @param {number} seconds */
export function span(seconds) {
  if (seconds < 0.1) return `${Math.round(1000 * seconds)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
