/**
 * What the page knows of one instance, and how each message changes it.
 *
 * `reduce` is pure. A frame that comes before the snapshot waits for it; what is already known
 * (event.n <= n) is skipped; a hole in the numbers asks for a snapshot of what is missing. So no
 * event is missing and none is twice, whatever the network does.
 */

/** @typedef {import("./types.js").Event} Event */
/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").Instance} Instance */
/** @typedef {import("./types.js").Request} Request */
/** @typedef {import("./types.js").Second} Second */
/** @typedef {import("./types.js").Snapshot} Snapshot */
/** @typedef {"connecting"|"live"|"reconnecting"|"gone"|"refused"} Link */
/**
 * @typedef {{instance: Instance|null, ready: boolean, waiting: Frame[], n: number, events: Event[],
 *   counters: Record<string, number>, dropped: number, seconds: Second[], requests: Request[],
 *   people: Record<string, string>, owners: Map<string, string>, link: Link, paused: boolean,
 *   reason: string}} PageState
 * @typedef {{type: string, replaced?: boolean, events: Event[], marks: Event[], hole?: boolean,
 *   requests?: Request[]}} Change what a message brought: views append these, or start over if replaced
 * @typedef {{type: "joining"} | {type: "snapshot", snapshot: Snapshot} | {type: "frame", frame: Frame}
 *   | {type: "state", instance: Instance} | {type: "request", request: Request}
 *   | {type: "requests", requests: Request[]} | {type: "pause", paused: boolean}
 *   | {type: "link", link: Link, reason?: string}} Message
 */

export const EVENTS = 10_000;
export const SECONDS = 3_600;
export const REQUESTS = 50;
const OWNERS = 5_000;

/** @param {Instance|null} instance @returns {PageState} */
export function initial(instance) {
  return {
    instance, ready: false, waiting: [], n: 0, events: [], counters: instance?.counters ?? {},
    dropped: instance?.dropped ?? 0, seconds: [], requests: [], people: {}, owners: new Map(),
    link: "connecting", paused: false, reason: "",
  };
}

/**
 * The state after a message, and what the message brought.
 * @param {PageState} state @param {Message} message @returns {{state: PageState, change: Change}}
 */
export function reduce(state, message) {
  /** @type {Change} */
  const change = { type: message.type, events: [], marks: [] };
  switch (message.type) {
    case "joining":
      return { state: { ...state, ready: false, waiting: [] }, change };
    case "snapshot":
      return snapshot(state, message.snapshot, change);
    case "frame":
      return frame(state, message.frame, change);
    case "state":
      return { state: { ...state, instance: message.instance }, change };
    case "request":
      change.requests = [message.request];
      return { state: { ...state, requests: withRequest(state.requests, message.request) }, change };
    case "requests":
      change.requests = message.requests;
      return { state: { ...state, requests: message.requests.slice(0, REQUESTS) }, change };
    case "pause":
      return { state: { ...state, paused: message.paused }, change };
    case "link":
      return { state: { ...state, link: message.link, reason: message.reason ?? "" }, change };
    default:
      throw new Error(`unknown message ${JSON.stringify(message)}`);
  }
}

/** @param {PageState} state @param {Snapshot} snap @param {Change} change */
function snapshot(state, snap, change) {
  const fresh = snap.resumed ? snap.events.filter((event) => event.n > state.n) : snap.events;
  change.replaced = !snap.resumed;
  change.events = fresh;
  change.marks = snap.resumed ? snap.series.marks.filter((mark) => mark.n > state.n) : snap.series.marks;
  change.requests = snap.requests;
  /** @type {PageState} */
  let next = {
    ...state, ready: true, waiting: [], instance: snap.state, n: Math.max(snap.n, snap.resumed ? state.n : 0),
    events: bounded(snap.resumed ? state.events : [], fresh, EVENTS),
    counters: snap.counters, dropped: snap.dropped, seconds: snap.series.seconds,
    requests: snap.requests.slice(0, REQUESTS), people: snap.people ?? {},
    owners: owners(owners(state.owners, change.marks), fresh),
  };
  for (const waiting of state.waiting) {
    const after = accept(next, waiting, change);
    next = after.state;
  }
  return { state: next, change };
}

/** @param {PageState} state @param {Frame} message @param {Change} change */
function frame(state, message, change) {
  if (!state.ready) return { state: { ...state, waiting: [...state.waiting, message] }, change };
  const first = message.events.find((event) => event.n > state.n);
  if (first && first.n > state.n + 1) {
    change.hole = true;
    return { state: { ...state, ready: false, waiting: [message] }, change };
  }
  return accept(state, message, change);
}

/** @param {PageState} state @param {Frame} message @param {Change} change */
function accept(state, message, change) {
  const fresh = message.events.filter((event) => event.n > state.n);
  change.events = change.events.concat(fresh);
  change.marks = change.marks.concat(fresh);
  const next = {
    ...state, n: Math.max(state.n, message.n), events: fresh.length ? bounded(state.events, fresh, EVENTS) : state.events,
    counters: message.counters, dropped: message.dropped, owners: owners(state.owners, fresh),
    seconds: second(state.seconds, message.t, message.counters),
  };
  return { state: next, change };
}

/**
 * The newest `limit` of both.
 * @template T
 * @param {T[]} old @param {T[]} fresh @param {number} limit
 */
export function bounded(old, fresh, limit) {
  const room = limit - fresh.length;
  if (room <= 0) return fresh.slice(-limit);
  return (old.length > room ? old.slice(old.length - room) : old).concat(fresh);
}

/** One entry per second, the last value of each. @param {Second[]} seconds @param {number} t @param {Record<string, number>} counters */
function second(seconds, t, counters) {
  const last = seconds.at(-1);
  if (last && Math.floor(last[0]) === Math.floor(t)) return [...seconds.slice(0, -1), /** @type {Second} */ ([t, counters])];
  return bounded(seconds, [/** @type {Second} */ ([t, counters])], SECONDS);
}

/** @param {Request[]} requests newest first @param {Request} request */
function withRequest(requests, request) {
  const place = requests.findIndex((old) => old.id === request.id);
  if (place < 0) return [request, ...requests].slice(0, REQUESTS);
  return requests.with(place, { ...requests[place], ...request });
}

/** Which request a peer belongs to. @param {Map<string, string>} known @param {Event[]} events */
function owners(known, events) {
  let next = known;
  for (const { peer, request } of events) {
    if (!peer || !request || next.get(peer) === request) continue;
    if (next === known) next = new Map(known);
    next.set(peer, request);
    if (next.size > OWNERS) next.delete(/** @type {string} */ (next.keys().next().value));
  }
  return next;
}
