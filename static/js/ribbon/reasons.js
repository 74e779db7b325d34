/** Why it took so many reads. Pure. */

import { count, milliseconds, plural } from "../format.js";
import { eachMeeting, tally } from "./meeting.js";
import { becameWords } from "./words.js";

/** @typedef {import("./meeting.js").Meeting} Meeting */
/** @typedef {import("./model.js").Rows} Rows */
/** @typedef {import("./model.js").Connection} Connection */

const LISTED = 4;

/**
 * How many recv() calls of our client brought bytes, in all of these connections; null where that is not known.
 * @param {Connection[]} connections @param {Record<string, any>|null} result the request's: it may have counted
 */
export function readsOf(connections, result) {
  const rows = connections.map((connection) => connection.ways.to_client.lower);
  const told = connections.length > 0 && connections.every(({ ends }) => ends.client) && rows.every((row) => row.sure && row.extent === row.end);
  if (told) return rows.reduce((all, row) => all + row.told, 0);
  return typeof result?.recv_calls === "number" ? result.recv_calls : null;
}

/** What came of a prediction. @param {number} said @param {number|null} took @param {Connection[]} connections */
export function verdictWords(said, took, connections) {
  if (took === null) return `You said ${count(said)}. How many it took cannot be counted: not all calls were told.`;
  const head = said === took ? `You said ${count(said)}, and it took ${count(took)}` : `You said ${count(said)}. It took ${count(took)}`;
  const why = connections.map(({ ways }) => whyWords(ways.to_client)).find(Boolean);
  return why ? `${head}: ${why}` : `${head}.`;
}

/** What joined or cut the sends, first of all; "" where nothing is known. @param {Rows} rows */
export function whyWords(rows) {
  /** @type {Meeting|undefined} */
  let first;
  let others = 0;
  eachMeeting(rows.upper, rows.lower, (meeting) => {
    if (!meeting.known || meeting.open || (meeting.sends[1] - meeting.sends[0] === 1 && meeting.reads[1] - meeting.reads[0] === 1)) return;
    if (first) others += 1;
    else first = meeting;
  });
  if (!first) return rows.upper.calls.length ? evenWords(rows) : "";
  const { uneven } = tally(rows.upper, rows.lower);
  return `${meetingWords(first, rows)}.${others ? ` In all: ${uneven.slice(0, 3).map(becameWords).join(", ")}.` : ""}`;
}

/** @param {Rows} rows */
function evenWords({ upper, lower }) {
  const sends = upper.calls;
  if (sends.length !== lower.calls.length) return "";
  if (sends.length === 1) return `one send (${plural(sends[0].size, "byte")}), and recv(${lower.calls[0].asked || "…"}) had room for all of it.`;
  const between = sends.every((call, place) => place === 0 || lower.calls[place - 1].t <= call.t);
  return `every send was a read of its own, because ${between ? "each had been read before the next one left" : "each came alone"}. Nothing in TCP promises that.`;
}

/** @param {Meeting} meeting @param {Rows} rows */
function meetingWords({ sends: [i, m], reads: [j, n] }, { upper, lower }) {
  const sends = upper.calls.slice(i, m);
  const reads = lower.calls.slice(j, n);
  const full = reads.slice(0, -1).every((call) => call.asked === call.size);
  const asked = reads[0].asked;
  if (reads.length === 1) {
    const apart = 1000 * (sends[sends.length - 1].t - sends[0].t);
    const all = sends.length === 2 ? "both" : "all";
    return `${nth("read", reads[0].number)} took ${sends.length === 2 ? "both sends" : `${count(sends.length)} sends`} (${sizes(sends)}) at once, because ${all} were there when it read: they left ${sends.length === 2 ? "" : "within "}${milliseconds(Math.max(0, apart))}${sends.length === 2 ? " apart" : ""}`;
  }
  if (sends.length === 1) {
    const because = full && asked ? `recv(${asked}) takes ${plural(asked, "byte")} at most` : "only a part of it had come when the client read";
    return `${nth("send", sends[0].number)} (${plural(sends[0].size, "byte")}) needed ${plural(reads.length, "read")}, because ${because}`;
  }
  const because = full && asked ? `recv(${asked}) stops when it is full, also in the middle of a send` : "a read takes what is there: it does not see where a send ends";
  return `${count(sends.length)} sends (${sizes(sends)}) became ${plural(reads.length, "read")}, because ${because}`;
}

/** @param {import("./row.js").Call[]} calls */
function sizes(calls) {
  const all = calls.reduce((sum, call) => sum + call.size, 0);
  return calls.length > LISTED ? plural(all, "byte") : `${calls.map((call) => count(call.size)).join(" + ")} bytes`;
}

/** «the first read», «read 12» @param {string} noun @param {number} number */
function nth(noun, number) {
  const words = ["first", "second", "third", "fourth"];
  return words[number - 1] ? `the ${words[number - 1]} ${noun}` : `${noun} ${count(number)}`;
}
