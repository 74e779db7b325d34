/** What the modes do, what the faults are, and which servers could be recorded: in words. Pure. */

import { count, number, plural, size } from "../../format.js";

/** @typedef {Record<string, any>} Settings */
/** @typedef {{name: string, icon: "clock"|"narrow"|"cut"|"stop", words: string, hard: boolean}} Fault `hard`: it ends connections */

export const MODES = /** @type {[string, string, string][]} */ ([
  ["pass", "Pass", "watch only"], ["record", "Record", "and write down"],
  ["replay", "Replay", "without the target"], ["record-if-new", "Record if new", "only what is not known"],
]);

export const FRAMINGS = /** @type {[string, string][]} */ ([
  ["http", "as its HTTP head says"], ["crlfcrlf", "with an empty line"], ["line", "with each line"],
  ["length1", "its first byte says how long it is"], ["length2", "its first two bytes say how long it is"],
  ["length4", "its first four bytes say how long it is"], ["pause", "when nothing comes for a while"], ["connection", "when its side ends"],
]);

/** What happens in the present mode, in one or two sentences. @param {Settings} settings */
export function modeWords({ mode, target, miss, transport }) {
  const to = target || "the target";
  switch (mode) {
    case "pass":
      return `What clients say goes to ${to}, what it says goes back. Nothing is written down.`;
    case "record":
      return `What clients say goes to ${to}, what it says goes back. Each exchange is written on the tape.`;
    case "record-if-new":
      return `All goes to ${to} and back. Written on the tape is only what it does not know yet.`;
    case "replay":
      return `The tape answers, ${to} is not asked. ${miss === "text" ? "A request that is not on it gets the text from the settings" : transport === "udp" ? "A datagram that is not on it gets no answer" : "A request that is not on it closes the connection without a byte"}.`;
    default:
      return "";
  }
}

/** Which parts of the way are used. @param {string} mode */
export function wayOf(mode) {
  return { target: mode !== "replay", writes: mode === "record" || mode === "record-if-new", plays: mode === "replay" };
}

/** The faults of one direction, as they are set. @param {Settings} settings @param {"upstream"|"downstream"} stream @returns {Fault[]} */
export function faultsOf(settings, stream) {
  const of = (/** @type {string} */ name) => Number(settings[`${stream}_${name}`] ?? 0);
  /** @type {Fault[]} */
  const found = [];
  const [latency, jitter, rate, cut, varies, delay] = ["latency", "jitter", "rate", "average_size", "size_variation", "delay"].map(of);
  if (latency || jitter) found.push({ name: "latency", icon: "clock", words: `${number(latency)}${jitter ? ` ± ${number(jitter)}` : ""} ms later`, hard: false });
  if (rate) found.push({ name: "bandwidth", icon: "narrow", words: `${number(rate)} KB/s`, hard: false });
  if (cut) found.push({ name: "slicer", icon: "cut", words: `cut to ${count(cut)}${varies ? ` ± ${count(varies)}` : ""} bytes${delay ? `, ${number(delay)} ms apart` : ""}`, hard: false });
  const reset = Number(settings[`${stream}_reset_peer`] ?? -1);
  if (reset >= 0) found.push({ name: "reset", icon: "stop", words: `reset after ${number(reset)} ms`, hard: true });
  const silent = Number(settings[`${stream}_timeout`] ?? -1);
  if (silent >= 0) found.push({ name: "timeout", icon: "stop", words: silent ? `silent, closed after ${number(silent)} ms` : "silent", hard: true });
  return found;
}

/** «1.2 KiB» @param {number} bytes */
export function sizeWords(bytes) {
  return size(bytes).join(" ");
}

/** What one exchange is called: its place on the tape. @param {{tape: number, turn: string}} entry */
export function tapeWords({ tape, turn }) {
  return tape ? `no. ${tape}${turn ? ` · ${turn}` : ""}` : "";
}

/** The tape's name: the last part of its path. @param {string} path */
export function tapeName(path) {
  return path.split(/[/\\]/).at(-1) || "tape";
}

/** How full a reel is, 0 to 1: it never gets quite full. @param {number} exchanges */
export function fullness(exchanges) {
  return exchanges <= 0 ? 0 : 1 - 1 / (1 + exchanges / 12) ** 0.7;
}

/** What a framing makes of some bytes. @param {number[]} cuts where messages end @param {number} total how many bytes @param {string} name */
export function cutWords(cuts, total, name) {
  if (name === "pause") return "by the clock";
  if (!total) return "no bytes";
  const left = total - (cuts.at(-1) ?? 0);
  if (name === "connection") return "1 message, at the end";
  if (!cuts.length) return `never ends: ${plural(total, "byte")} wait`;
  return plural(cuts.length, "message") + (left ? `, ${plural(left, "byte")} wait` : "");
}

/** The parts that the cuts make. @param {number[]} cuts @param {number} total @returns {{from: number, to: number, whole: boolean}[]} */
export function partsOf(cuts, total) {
  const ends = [...new Set(cuts)].filter((at) => at > 0 && at <= total).sort((a, b) => a - b);
  const parts = ends.map((to, place) => ({ from: place ? ends[place - 1] : 0, to, whole: true }));
  const last = ends.at(-1) ?? 0;
  return last < total ? [...parts, { from: last, to: total, whole: false }] : parts;
}
