/** A walk: each packet in two sentences made from it: why these flags, why these numbers. Pure. */

import { plural } from "../format.js";
import { has, sender } from "./model.js";
import { expected, opposite, sentBefore } from "./predict.js";
import { flagWords, numbers } from "./words.js";

/** @typedef {import("./model.js").Row} Row */
/** @typedef {{title: string, why: string, numbers: string}} Step */

/** Packets of a connection whose acknowledgements are gone through one by one. */
const SHORT = 200;

/** @param {Row} row */
const me = (row) => sender(row.way);
/** @param {Row} row */
const other = (row) => sender(opposite(row));

/** @param {Row[]} rows @param {number} place @param {ReadonlySet<number>} [thrown] numbers of the datagrams that the lab threw away @returns {Step} */
export function stepOf(rows, place, thrown = new Set()) {
  const row = rows[place];
  if (row.transport === "udp") return datagram(row, thrown.has(row.n));
  const [seq, ack] = numbers(row, false);
  return { title: `${flagWords(row)} ${seq}/${ack}${row.length ? ` (${plural(row.length, "byte")})` : ""}`, why: whyFlags(rows, place), numbers: whyNumbers(rows, place) };
}

/** @param {Row} row @param {boolean} thrown it was captured, and then thrown away @returns {Step} */
function datagram(row, thrown) {
  const lost = row.marks.includes("lost");
  const sends = `The ${me(row)} sends ${row.message ? quoted(row.message) : "a datagram"} in one piece`;
  const why = lost ? row.why || "The lab threw this datagram away, as a bad network would." : thrown ? `${sends}. It arrived, and the lab threw it away there, as a bad network would on the way.` : `${sends}: what one sendto() gave, one recvfrom() takes.`;
  return {
    title: `Datagram of ${plural(row.length, "byte")}`, why,
    numbers: lost || thrown ? `Nobody tells the ${me(row)}: UDP has no acknowledgement, so it must wait and give up by itself.` : "No handshake before it and no numbers in it: if it were lost, UDP would neither notice nor send it again.",
  };
}

/** Why these flags. @param {Row[]} rows @param {number} place */
function whyFlags(rows, place) {
  const row = rows[place];
  if (row.marks.some((mark) => mark !== "cut") && row.why) return row.why;
  if (has(row, "RST")) return `The ${me(row)} ends the connection at once: RST is no farewell, and what was on its way is thrown away.`;
  if (has(row, "SYN")) {
    if (!has(row, "ACK")) return `The client asks for a connection: connect() sends a SYN, with the number that it begins to count with${drawn(row)}.`;
    return `The server agrees, and opens the other direction with a number of its own${drawn(row)}: SYN and ACK share one packet.`;
  }
  if (has(row, "FIN")) return `${endWords(rows, place)}${row.length ? ` It still carries ${plural(row.length, "byte")}.` : ""}`;
  if (row.length) {
    const what = row.message ? `: ${quoted(row.message)}` : "";
    return `The ${me(row)} sends ${plural(row.length, "byte")}${what}.${has(row, "PSH") ? " PSH: give them to the program now, no more is waiting to be sent." : " No PSH: more of the same is right behind."}`;
  }
  return pureAck(rows, place);
}

/** A first number, where it is known: a packet that was worked out has none. @param {Row} row */
function drawn(row) {
  return row.raw_seq ? ` (${row.raw_seq}, shown as 0)` : ", shown as 0";
}

/** What a packet carries, in quotes; what is only said of it, behind them: «DATA», «220 hello» (a reply of 2 lines). @param {string} message */
function quoted(message) {
  const [, text, more] = /^(.*?)( \((?:and|a reply of|bytes) [^()]*\))?$/s.exec(message) ?? ["", message, ""];
  return `«${text}»${more ?? ""}`;
}

/** @param {Row[]} rows @param {number} place */
function endWords(rows, place) {
  const row = rows[place];
  const second = rows.some((earlier, at) => at < place && earlier.way !== row.way && has(earlier, "FIN"));
  return second
    ? `Now the ${me(row)} ends its direction, too: with both FINs the connection closes.`
    : `The ${me(row)} has no more to send and says so with FIN (close() or shutdown()); the other direction stays open until its own FIN.`;
}

/** @param {Row[]} rows @param {number} place */
function pureAck(rows, place) {
  const row = rows[place];
  const before = sentBefore(rows, place, opposite(row)).from;
  if (!before) return `The ${me(row)} acknowledges what came before the capture began.`;
  if (has(before, "SYN")) return `The ${me(row)} acknowledges the ${other(row)}’s SYN: the third packet of the handshake, and the connection is ESTABLISHED on both sides.`;
  if (has(before, "FIN")) {
    const last = rows.some((earlier, at) => at < place && earlier.way === row.way && has(earlier, "FIN"));
    return last ? `The last FIN is acknowledged: the ${other(row)} forgets the connection, the ${me(row)} waits a while in ${timeWait(row)}, in case this ACK is lost.` : `The ${me(row)} has seen the FIN: its kernel acknowledges at once, its program reads 0 bytes as soon as it calls recv().`;
  }
  return `The ${me(row)}’s kernel says that the ${plural(before.length, "byte")} arrived; it carries no data of its own, and nobody acknowledges an ACK.`;
}

/** @param {Row} row */
function timeWait(row) {
  return (row.way === "to_server" ? row.client_state : row.server_state) || "TIME_WAIT";
}

/** Why these numbers. @param {Row[]} rows @param {number} place */
function whyNumbers(rows, place) {
  const row = rows[place];
  const wanted = expected(rows, place);
  const seq = row.seq === wanted.seq ? seqSentence(rows, place) : `seq ${row.seq}, not ${wanted.seq}: ${row.seq < wanted.seq ? "these numbers were used before" : "what lies between was not captured"}`;
  return `${seq}; ${ackSentence(rows, place)}.`;
}

/** @param {Row[]} rows @param {number} place */
function seqSentence(rows, place) {
  const row = rows[place];
  if (has(row, "SYN")) return "seq 0: the SYN itself takes this number, so that the first byte will be number 1";
  const { from } = sentBefore(rows, place, row.way);
  if (row.length) return `seq ${row.seq}: ${row.length === 1 ? "it is byte" : "these are bytes"} ${row.seq}${row.length > 1 ? ` to ${row.seq + row.length - 1}` : ""} of its direction, so the next is ${row.next_seq}`;
  if (has(row, "FIN")) return `seq ${row.seq}: FIN takes this number as a byte would, so it must be acknowledged with ${row.seq + 1}`;
  if (from && has(from, "SYN")) return `seq ${row.seq}: the SYN took 0`;
  if (from && has(from, "FIN")) return `seq ${row.seq}: the FIN took ${row.seq - 1}, and nothing comes behind it`;
  return `seq ${row.seq}: the number that its next byte will have; an ACK takes none`;
}

/** @param {Row[]} rows @param {number} place */
function ackSentence(rows, place) {
  const row = rows[place];
  if (row.ack === null) return "no ACK flag, since nothing has come from the other side";
  const { next, from } = sentBefore(rows, place, opposite(row));
  if (!from || row.ack > next) return `ack ${row.ack}: the next byte that it wants`;
  if (row.ack < next) return `ack ${row.ack}: not everything that was sent had arrived yet`;
  if (has(from, "SYN") && !saidBefore(rows, place)) return `ack ${row.ack}: the ${other(row)}’s SYN took 0, so 1 is wanted next`;
  if (has(from, "FIN") && row.ack === from.next_seq) return `ack ${row.ack}: the FIN took ${row.ack - 1}, so it is acknowledged, too`;
  if (from.length && !saidBefore(rows, place)) return `ack ${row.ack}: bytes up to ${row.ack - 1} have arrived (${from.seq} + ${from.length}), ${row.ack} is wanted next`;
  return `ack ${row.ack}: nothing new has come from the ${other(row)}`;
}

/** Whether this side has said that ack before. @param {Row[]} rows @param {number} place */
function saidBefore(rows, place) {
  return rows.some((earlier, at) => at < place && earlier.way === rows[place].way && earlier.ack === rows[place].ack);
}

/** How many packets it took, and which acknowledgements went along with others. @param {Row[]} rows @param {boolean} rebuilt @param {ReadonlySet<number>} [thrown] as in stepOf() */
export function summaryOf(rows, rebuilt, thrown = new Set()) {
  const tcp = rows[0]?.transport === "tcp";
  if (!tcp) return `${plural(rows.length, "datagram")}, and nothing else: no packet opened the conversation, none acknowledged, none closed it.${thrown.size ? ` ${thrown.size} of them the lab threw away.` : ""}`;
  const words = [`${plural(rows.length, "packet")}.`];
  const along = rebuilt || rows.length > SHORT ? [] : rows.flatMap((_, place) => alongWith(rows, place));
  const exchange = rows.filter(({ length }) => length > 0).length === 2;
  if (rebuilt) words.push("Pure ACKs are not among them: socket calls do not tell of them.");
  else if (along.length) words.push(`${exchange ? "The article counts eleven for one request and one response. " : ""}Here ${listed(along)}, so ${along.length === 1 ? "that ACK needed" : "those ACKs needed"} no packet of ${along.length === 1 ? "its" : "their"} own.`);
  else if (exchange && rows.length === 11) words.push("As in the article: three to open, the request and its ACK, the response, and the rest to acknowledge it and to close both directions.");
  return words.join(" ");
}

/** Acknowledgements that went with data or a FIN: for what, with what. @param {Row[]} rows @param {number} place */
function alongWith(rows, place) {
  const row = rows[place];
  if (!row.length && !has(row, "FIN")) return [];
  const answer = rows.findIndex((later, at) => at > place && later.way !== row.way && later.ack !== null && later.ack >= row.next_seq);
  if (answer < 0) return [];
  const carrier = rows[answer];
  const what = [row.length > 0 && "data", has(row, "FIN") && "FIN"].filter(Boolean).join(" and ");
  if (carrier.length || has(carrier, "FIN")) return [`packet ${carrier.n} (${flagWords(carrier)}) also acknowledges the ${what} of packet ${row.n}`];
  const twin = rows.find((earlier, at) => at < place && earlier.way === row.way && (earlier.length || has(earlier, "FIN")) && rows.findIndex((later, when) => when > at && later.way !== row.way && later.ack !== null && later.ack >= earlier.next_seq) === answer);
  return twin ? [`one ACK, packet ${carrier.n}, answers for packets ${twin.n} and ${row.n}`] : [];
}

/** «a, b and c»; of many, the first two. @param {string[]} parts */
function listed(parts) {
  const some = parts.slice(0, parts.length > 4 ? 2 : 4);
  if (parts.length > some.length) return `${some.join(", ")}, and so on ${plural(parts.length - some.length, "time")} more`;
  return some.length > 1 ? `${some.slice(0, -1).join(", ")} and ${some.at(-1)}` : some[0];
}
