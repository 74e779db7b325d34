/** What the ribbon says. Pure. */

import { byteName } from "../controlbytes.js";
import { clock, count, milliseconds, plural } from "../format.js";
import { decode, isLetter } from "../hex.js";
import { ENDS } from "./model.js";
import { shared, tally } from "./meeting.js";

/** @typedef {import("./model.js").Connection} Connection */
/** @typedef {import("./model.js").Way} Way */
/** @typedef {import("./row.js").Call} Call */
/** @typedef {"upper"|"lower"} Level */
/** @typedef {{call: Call, level: Level, way: Way}} Picked */

/** @type {Record<Way, string>} */
export const WAYS = { to_client: "← to the client", to_server: "to the server →" };

/** «#3», «#≥ 3» where calls before it were not told. @param {Call} call */
export function numberOf(call) {
  return call.sure ? `#${count(call.number)}` : `#≥\u202f${count(call.number)}`;
}

/** @param {number} size */
export function bytes(size) {
  return plural(size, "byte");
}

/** «joined 3», «cut in 2»; "" for a call that shares its bytes with one alone, or with calls not told. @param {Call} call @param {Level} level @param {import("./model.js").Rows} rows */
export function tagOf(call, level, rows) {
  const with_ = shared(call, level === "upper" ? rows.lower : rows.upper);
  return with_ < 2 ? "" : level === "upper" ? `cut in ${count(with_)}` : `joined ${count(with_)}`;
}

/** Who makes the calls of a row: «Server: send()». @param {Way} way @param {Level} level */
export function titleOf(way, level) {
  const side = ENDS[way][level === "upper" ? 0 : 1];
  return `${side === "server" ? "Server" : "Client"}: ${level === "upper" ? "send()" : "recv()"}`;
}

/**
 * Why a row has no calls; "" if it has some, or they may still come.
 * @param {Connection} connection @param {Way} way @param {Level} level @param {number} now seconds since 1970, as the programs say
 */
export function whyEmpty(connection, way, level, now) {
  const row = connection.ways[way][level];
  if (row.calls.length) return "";
  const side = ENDS[way][level === "upper" ? 0 : 1];
  const call = level === "upper" ? "send()" : "recv()";
  if (!connection.ends[side]) {
    if (now < (connection.first ?? now) + 1) return "";
    if (side === "server") return "The server has not told of this connection: perhaps it has not accepted it yet.";
    return `Empty: ${connection.address || "this client"} is a program of its own, not our client. Only it knows what its ${call} calls were. Of our client both rows are known.`;
  }
  const { upper } = connection.ways[way];
  if (level === "upper") return row.total ? "" : `Nothing was sent this way${connection.ends[side]?.closed ? "" : " yet"}.`;
  return upper.end > 0 ? (connection.ends[side]?.closed ? "It closed without reading." : "Nothing was read yet.") : "";
}

/** «127.0.0.1:53124 · Ana · 10:05:30 · 12 sends, 9 reads» @param {Connection} connection @param {string} person @param {boolean} [timed] with the time of its first call */
export function nameOf(connection, person, timed = true) {
  const rows = Object.values(connection.ways);
  const sum = (/** @type {Level} */ level) => rows.reduce((all, row) => all + row[level].told, 0);
  return [connection.address || "a Unix socket without a name", person || (connection.ends.client ? "" : "own program"), timed && connection.first !== null ? clock(connection.first, 0) : "", `${plural(sum("upper"), "send")}, ${plural(sum("lower"), "read")}`].filter(Boolean).join(" · ");
}

/** «2 sends, 1 read, 42 bytes · 2 sends became 1 read» @param {Connection} connection @param {Way} way */
export function wayWords(connection, way) {
  const { upper, lower } = connection.ways[way];
  const [sender, receiver] = ENDS[way].map((side) => connection.ends[side]);
  const unread = receiver?.closed && upper.end > lower.extent ? `${bytes(upper.end - lower.extent)} never read` : "";
  const calls = `${sender ? plural(upper.told, "send") : "sends not known"}, ${receiver ? plural(lower.told, "read") : "reads not known"}`;
  return [`${calls}, ${bytes(Math.max(upper.extent, lower.extent))}`, tallyWords(tally(upper, lower)), unread].filter(Boolean).join(" · ");
}

/** «3 times 2 sends became 1 read» @param {{sends: number, reads: number, times: number}} meeting */
export function becameWords({ sends, reads, times }) {
  return `${times === 1 ? "" : `${count(times)} times `}${plural(sends, "send")} became ${plural(reads, "read")}`;
}

/** What came of the sends of one way, in words. @param {{even: number, uneven: {sends: number, reads: number, times: number}[]}} found @param {number} most */
export function tallyWords({ even, uneven }, most = 3) {
  const parts = uneven.slice(0, most).map(becameWords);
  if (uneven.length > most) parts.push(`${plural(uneven.length - most, "other pattern")}`);
  if (!parts.length) return even ? (even === 1 ? "1 send was 1 read" : `each of ${count(even)} sends was 1 read`) : "";
  return parts.join(" · ") + (even ? ` · ${plural(even, "send")} as ${even === 1 ? "it was" : "they were"}` : "");
}

/** What is to be told of one call. @param {Picked} picked @param {Connection} connection */
export function factsOf({ call, level, way }, connection) {
  const rows = connection.ways[way];
  const other = level === "upper" ? rows.lower : rows.upper;
  const side = ENDS[way][level === "upper" ? 0 : 1];
  const facts = [`bytes ${count(call.offset)} to ${count(call.offset + call.size - 1)}`, `${milliseconds(1000 * (call.t - (connection.first ?? call.t)))} after the first call`];
  const [from, to] = other.between(call.offset, call.offset + call.size);
  const names = [...other.calls.slice(from, Math.min(to, from + 4)).map(numberOf), ...(to - from > 4 ? ["…"] : [])].join(", ");
  const made = level === "upper" ? "read by" : "took";
  const noun = level === "upper" ? "recv()" : "send()";
  if (to > from) facts.push(`${made} ${noun} ${names}${tagOf(call, level, rows) ? `: ${tagOf(call, level, rows)}` : ""}`);
  return { title: `${side === "server" ? "Server" : "Client"}’s ${level === "upper" ? "send()" : "recv()"} ${numberOf(call)}: ${bytes(call.size)}`, asked: askedWords(call, level), facts };
}

/** @param {Call} call @param {Level} level */
function askedWords(call, level) {
  if (!call.asked) return "";
  if (level === "lower") return call.asked === call.size ? `recv(${call.asked}) was full` : `recv(${call.asked}) could have taken ${count(call.asked)}`;
  return call.asked > call.size ? `it was given ${bytes(call.asked)} and took only these` : "";
}

/** The bytes told of a call. @param {Call} call */
export function headOf(call) {
  return decode(call.head);
}

/** Bytes on one line, those that are no letters by their names. @param {Uint8Array} found @param {number} size how many there were */
export function textOf(found, size) {
  let text = "";
  for (const byte of found) text += isLetter(byte) ? String.fromCharCode(byte) : `⟨${byteName(byte)}⟩`;
  return text + (size > found.length ? "…" : "");
}
