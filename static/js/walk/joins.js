/** The ladder's lines: each packet with the socket calls that belong to it, as far as times tell; other calls between. Pure. */

import { Carried, SLACK } from "./carried.js";
import { has } from "./model.js";

/** @typedef {import("./model.js").Row} Row */
/** @typedef {import("./model.js").Call} Call */
/** @typedef {{call: Call, causes: boolean}} Joined `causes`: the call made the packet; else the packet let the call return */
/**
 * @typedef {{row: Row|null, client: Joined[], server: Joined[], lost: import("./model.js").Way|""}} Item a packet with its calls, or calls between packets;
 *   `lost`: the way on which the lab threw a datagram away: the arrow ends in a cross
 */

/** What a read took has arrived before, but for the clocks' grain. */
const GRAIN = 0.00005;

/** Datagrams that came as close as this wait to be read in their order; of older ones nobody knows who read them. */
const BURST = 0.05;

/** Calls of a side that a line has room for. */
export const ROOM = 3;
/** Most packets have no calls: they share this, which nobody writes to. @type {Joined[]} */
const NONE = [];
/** Not a call: the lab says that it threw a datagram away. */
const LOST = "lost";
const SENDS = new Set(["send", "sendall", "sendto", "sendmsg", "write"]);
const READS = new Set(["recv", "recvfrom", "recv_into", "recvmsg", "read"]);
const ENDS = new Set(["close", "shutdown"]);

/** The lines in their order. @param {Row[]} rows @param {Call[]} calls by time @returns {Item[]} */
export function itemsOf(rows, calls) {
  const places = joinsOf(rows, calls);
  /** @type {Item[]} */
  const packets = rows.map((row) => ({ row, client: NONE, server: NONE, lost: row.marks.length && row.marks.includes("lost") ? row.way : "" }));
  /** @type {Call[]} */
  const loose = [];
  for (const call of calls) {
    const found = places.get(call);
    if (!found || packets[found.place][call.side].length === ROOM - 1) loose.push(call);
    else packets[found.place][call.side] = packets[found.place][call.side].concat({ call, causes: found.causes });
    if (found && call.call === LOST) packets[found.place].lost = rows[found.place].way;
  }
  /** @type {Item[]} */
  const items = [];
  let next = 0;
  for (const item of packets) {
    while (next < loose.length && loose[next].t < /** @type {Row} */ (item.row).t) between(items, loose[next++]);
    items.push(item);
  }
  while (next < loose.length) between(items, loose[next++]);
  return items;
}

/** A call that belongs to no packet: beside the one before it, if there is room. @param {Item[]} items @param {Call} call */
function between(items, call) {
  const joined = { call, causes: false };
  const last = items.at(-1);
  if (last && !last.row && !last.lost && call.call !== LOST && last[call.side].length < ROOM) last[call.side] = last[call.side].concat(joined);
  else items.push({ row: null, client: NONE, server: NONE, lost: call.call === LOST ? wayOf(call) : "", [call.side]: [joined] });
}

/** Which way a datagram went that was thrown away. @param {Call} call */
function wayOf({ words }) {
  return words.includes("way back") ? "to_client" : "to_server";
}

/** Without the calls, but for what the lab says it threw away. @param {Call[]} calls */
export function onlyLost(calls) {
  return calls.filter(({ call }) => call === LOST);
}

/** The numbers of the captured datagrams that the lab threw away. @param {Item[]} items @returns {Set<number>} */
export function thrownOf(items) {
  return new Set(items.flatMap(({ row, lost }) => (row && lost ? [row.n] : [])));
}

/** Which row each call belongs to. @param {Row[]} rows @param {Call[]} calls */
export function joinsOf(rows, calls) {
  /** @type {Map<Call, {place: number, causes: boolean}>} */
  const found = new Map();
  for (const side of /** @type {const} */ (["client", "server"])) joinSide(rows, calls.filter((call) => call.side === side), side, found);
  return found;
}

/** @param {Row[]} rows @param {Call[]} calls of that side @param {"client"|"server"} side @param {Map<Call, {place: number, causes: boolean}>} found */
function joinSide(rows, calls, side, found) {
  const [mine, theirs] = /** @type {import("./model.js").Way[]} */ (side === "client" ? ["to_server", "to_client"] : ["to_client", "to_server"]);
  const sent = places(rows, (row) => row.way === mine && carries(row));
  const came = places(rows, (row) => row.way === theirs && carries(row));
  const opened = side === "client" ? places(rows, (row) => row.way === mine && has(row, "SYN")) : handshakes(rows);
  const ended = places(rows, (row) => row.way === mine && (has(row, "FIN") || has(row, "RST")));
  const left = places(rows, (row) => row.way === theirs && has(row, "FIN"));
  const lost = places(rows, (row) => row.marks.includes("lost"));
  const udp = rows[0]?.transport === "udp";
  const whole = !udp && rows.length > 0 && has(rows[0], "SYN");
  const taken = udp ? oldest : newest;
  /** What was read last. */
  let read = { t: NaN, place: -1 };
  const [out, into] = [new Carried(whole ? rows : [], mine), new Carried(whole ? rows : [], theirs)];
  for (const call of calls) {
    if (call.call === LOST) join(call, dropped(call), false);
    else if (SENDS.has(call.call)) join(call, out.first(call) ?? next(sent, rows, call.t + SLACK), true, () => skip(sent, rows, call.t));
    else if (READS.has(call.call) && ending(call)) join(call, next(left, rows, call.t + GRAIN), false);
    else if (READS.has(call.call) && !call.error) {
      read = { t: call.t, place: into.last(call) ?? taken(came, rows, call.t + GRAIN) };
      join(call, read.place, false);
    }
    else if (call.call === (side === "client" ? "connect" : "accept")) join(call, next(opened, rows, call.t + (side === "client" ? SLACK : GRAIN)), side === "client");
    else if (ENDS.has(call.call)) join(call, next(ended, rows, call.t + SLACK), true);
  }

  /** The datagram that the lab threw away: one that is marked so, or that it has just read, or did not read; its own it never sent. @param {Call} call */
  function dropped(call) {
    const marked = lost.at(-1);
    if (marked !== undefined && rows[marked].way === wayOf(call)) return next(lost, rows, call.t + SLACK);
    if (wayOf(call) !== theirs) return -1;
    return read.t === call.t ? read.place : taken(came, rows, call.t + GRAIN);
  }

  /** @param {Call} call @param {number} place @param {boolean} causes @param {() => void} [then] */
  function join(call, place, causes, then) {
    if (place < 0) return;
    found.set(call, { place, causes });
    then?.();
  }
}

/** @param {Row} row */
function carries(row) {
  return row.length > 0 || row.transport === "udp";
}

/** A read that brought nothing: the other side has ended. @param {Call} call */
function ending({ words, error }) {
  return !error && /\) = 0( bytes|$)/.test(words);
}

/** The rows that complete a handshake: the first of the client's after the server's SYN. @param {Row[]} rows */
function handshakes(rows) {
  const answer = rows.findIndex((row) => row.way === "to_client" && has(row, "SYN"));
  const place = rows.findIndex((row, at) => at > answer && row.way === "to_server" && has(row, "ACK") && !has(row, "SYN"));
  return answer < 0 || place < 0 ? [] : [place];
}

/** @param {Row[]} rows @param {(row: Row) => boolean} test */
function places(rows, test) {
  const found = [];
  for (let place = 0; place < rows.length; place += 1) if (test(rows[place])) found.push(place);
  return found.reverse();
}

/** Take the first of the places, if its packet is not later than that; -1 if it is. @param {number[]} stack @param {Row[]} rows @param {number} until */
function next(stack, rows, until) {
  const place = stack.at(-1);
  if (place === undefined || rows[place].t > until) return -1;
  stack.pop();
  return place;
}

/** Take all places up to that time, and give the newest of them. @param {number[]} stack @param {Row[]} rows @param {number} until */
function newest(stack, rows, until) {
  let found = -1;
  for (let place = next(stack, rows, until); place >= 0; place = next(stack, rows, until)) found = place;
  return found;
}

/** Take the oldest datagram up to that time that came with the newest: a socket gives them in their order. @param {number[]} stack @param {Row[]} rows @param {number} until */
function oldest(stack, rows, until) {
  const late = () => rows[stack[stack.length - 1]].t < until - BURST && rows[stack[stack.length - 2]].t <= until;
  while (stack.length > 1 && late()) stack.pop();
  return next(stack, rows, until);
}

/** Further packets of the same send. @param {number[]} stack @param {Row[]} rows @param {number} until */
function skip(stack, rows, until) {
  while (next(stack, rows, until) >= 0);
}
