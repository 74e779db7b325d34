/** A client and its heartbeats in words. Pure. */

import { clock, count, milliseconds, number, percent } from "../../format.js";
import { span } from "./layout.js";

/** @typedef {import("./client.js").Client} Client */
/** @typedef {import("./client.js").Beat} Beat */

/** A state's sign and its word. @type {Record<string, [string, string]>} */
export const STATES = {
  alive: ["●", "alive"], late: ["◐", "late"], lost: ["✕", "lost"], dead: ["■", "dead"], back: ["▲", "back"],
  forgotten: ["○", "not watched"], ended: ["○", "ended"], "": ["○", "not heard yet"],
};

/** «dead 12 s» @param {Client} client @param {number} now */
export function sinceWords(client, now) {
  const word = STATES[client.state][1];
  return client.state === "" || client.state === "ended" || client.state === "forgotten" ? word : `${word} ${span(Math.max(0, now - client.since))}`;
}

/** A delay in ms with its sign. @param {number|null} ms */
export function delayWords(ms) {
  if (ms === null) return "–";
  const size = Math.abs(ms);
  const words = size >= 10_000 ? `${number(size / 1000)} s` : milliseconds(size);
  return ms < 0 ? `−${words}` : words;
}

/** The numbers beside a lane. @param {Client} client @returns {[string, string][]} title and value */
export function figures(client) {
  return [
    ["received", count(client.received)],
    ["lost", `${count(client.lost)} (${percent(client.loss)})`],
    ["delay", client.beats.length ? delayWords(client.delay) : "–"],
    ["every", client.interval === null ? "–" : span(client.interval)],
  ];
}

/** @type {Record<string, string>} */
const HOW = {
  first: "the first", next: "", gap: "", reordered: "overtaken on the way: it was counted lost, and is not any more", duplicate: "a copy: it came before",
  restarted: "SEQ began again: the client was restarted", jumped: "SEQ jumped too far to be loss",
};

/** One heartbeat. @param {Beat} beat */
export function beatWords(beat) {
  const parts = [`${beat.word || "heartbeat"} ${beat.seq} at ${clock(beat.t)}`];
  if (beat.how !== "duplicate") parts.push(timeWords(beat));
  if (beat.gap) parts.push(`${count(beat.gap)} missing before it`);
  if (beat.late) parts.push("late");
  if (HOW[beat.how]) parts.push(HOW[beat.how]);
  return parts.join(", ");
}

/** @param {Beat} beat */
function timeWords({ delay, above, sent }) {
  const more = above === null ? "" : ` (${milliseconds(above)} above the smallest)`;
  if (delay !== null) return `delay ${delayWords(delay)}${more}`;
  return sent === null ? "its TIME cannot be read" : `its TIME is of another kind of clock: no delay${more}`;
}

/** What was found under the pointer. @param {import("./layout.js").Found} found */
export function foundWords(found) {
  switch (found.kind) {
    case "beat":
      return beatWords(found.tick.beat);
    case "missing":
      return `${count(found.cross.cross.seq)} is missing: lost on the way, or still on it. It should have come about ${clock(found.cross.cross.t, 1)}`;
    case "band":
      return `${STATES[found.band.state]?.[1] ?? found.band.state}: ${found.band.why}`;
    default:
      return "";
  }
}

/** Whether some delay is negative, and what that means; "" if none is. @param {Client[]} clients */
export function negativeWords(clients) {
  const found = clients.find((client) => client.lives && client.delay !== null && client.delay < 0);
  return found ? `A delay is negative: ${delayWords(found.delay)}. Nothing arrives before it is sent: that client's clock is ahead of this machine's.` : "";
}
