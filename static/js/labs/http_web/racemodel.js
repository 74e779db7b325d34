/** What is known of each race, from its events. Pure. */

/** @typedef {import("../../types.js").Event} Event */
/**
 * @typedef {{model: string, seconds: number, waiting: number, in_line: number, done: number, failed: number,
 *   rate: number, p50_ms: number|null, p95_ms: number|null, max_ms: number|null, finished: boolean}} Tick
 * @typedef {{model: string, ticks: Tick[]}} Lane
 * @typedef {{request: string, t: number, clients: number, requests: number, delay: number, slow: number, keepAlive: boolean,
 *   workers: number, limit: number, lanes: Lane[], over: boolean, reason: string, verdict: string}} Run
 */

const RUNS = 20;
const ORDINALS = ["th", "st", "nd", "rd"];

/** The races, the newest last. */
export class Races {
  constructor() {
    /** @type {Map<string, Run>} by the id of the request */
    this.runs = new Map();
  }

  clear() {
    this.runs.clear();
  }

  /** Take in events; whether a race among them has just begun. @param {Event[]} events */
  add(events) {
    let begun = false;
    for (const event of events) {
      const run = this.runs.get(event.request ?? "");
      if (event.kind === "race_started") {
        this.runs.set(event.request ?? "", started(event));
        begun = true;
        if (this.runs.size > RUNS) this.runs.delete(/** @type {string} */ (this.runs.keys().next().value));
      } else if (event.kind === "race_tick" && run) {
        run.lanes.find((lane) => lane.model === event.model)?.ticks.push(tick(event));
      } else if (event.kind === "race_finished" && run) {
        Object.assign(run, { over: true, reason: event.reason, verdict: event.verdict });
      }
    }
    return begun;
  }

  /** The race of that request, else the newest. @param {string} request @returns {Run|undefined} */
  pick(request) {
    return this.runs.get(request) ?? [...this.runs.values()].at(-1);
  }
}

/** @param {Event} event @returns {Run} */
function started(event) {
  return {
    request: event.request ?? "", t: event.t, clients: event.clients, requests: event.requests, delay: event.delay,
    slow: event.slow ?? 0, keepAlive: event.keep_alive ?? false, workers: event.workers ?? 0, limit: event.limit ?? 0,
    lanes: event.models.map((/** @type {string} */ model) => ({ model, ticks: [] })), over: false, reason: "", verdict: "",
  };
}

/** Fields at their default are left out on the wire. @param {Event} event @returns {Tick} */
function tick(event) {
  return {
    model: event.model, seconds: event.seconds, waiting: event.waiting, in_line: event.in_line, done: event.done,
    failed: event.failed ?? 0, rate: event.rate ?? 0, p50_ms: event.p50_ms ?? null, p95_ms: event.p95_ms ?? null,
    max_ms: event.max_ms ?? null, finished: event.finished ?? false,
  };
}

/** How far a race has come, by its slowest: seconds. @param {Run} run */
export function elapsed(run) {
  return Math.max(0, ...run.lanes.map((lane) => lane.ticks.at(-1)?.seconds ?? 0));
}

/** Answers of all models, and how many there are to be. @param {Run} run */
export function progressOf(run) {
  const done = run.lanes.reduce((sum, lane) => sum + (lane.ticks.at(-1)?.done ?? 0) + (lane.ticks.at(-1)?.failed ?? 0), 0);
  return { done, total: run.lanes.length * run.clients * run.requests };
}

/**
 * Columns for the chart: times, then the clients in line of each lane. One that has finished has nobody in line.
 * @param {Run} run @returns {(number|null)[][]}
 */
export function columns(run) {
  const times = [...new Set(run.lanes.flatMap((lane) => lane.ticks.map((entry) => entry.seconds)))].sort((a, b) => a - b);
  return [times, ...run.lanes.map(({ ticks }) => {
    let next = 0;
    return times.map((time) => {
      while (next < ticks.length && ticks[next].seconds <= time) next += 1;
      return next ? ticks[next - 1].in_line : null;
    });
  })];
}

/** How many figures of each kind stand in a lane: served, in line, and those who have all their answers. @param {Run} run @param {Lane} lane */
export function figures(run, lane) {
  const last = lane.ticks.at(-1);
  if (!last) return { served: 0, line: 0, done: 0, ahead: run.clients };
  return { served: last.waiting - last.in_line, line: last.in_line, done: run.clients - last.waiting, ahead: 0 };
}

/** 1st, 2nd, 3rd, 4th, 11th, 12th, 21st. @param {number} n */
export function ordinal(n) {
  const teen = n % 100 >= 11 && n % 100 <= 13;
  return `${n}${(teen ? "" : ORDINALS[n % 10]) || "th"}`;
}

/** Why a model fares as it does: a sentence. @param {string} model @param {Run} run */
export function why(model, { clients, slow, workers }) {
  switch (model) {
    case "iterative":
      if (slow) return "One after the other: it waits for a slow client, and everybody waits for it.";
      return clients > 1 ? `One after the other: the ${ordinal(clients)} client waits for the ${clients - 1} before it.` : "One after the other.";
    case "threads":
      return slow ? "A thread for each connection: a slow client costs a thread, and holds up nobody." : "A thread for each connection: nobody waits for another.";
    case "processes":
      if (slow >= workers) return `A pool of ${workers} processes: each slow client takes one, and none is left.`;
      if (slow) return `A pool of ${workers} processes: slow clients take ${slow}, and ${workers - slow} go on.`;
      return `A pool of ${workers} processes: ${workers} clients are served, the ${ordinal(workers + 1)} waits.`;
    case "select":
      return slow ? "One loop that asks who is ready: a slow client is an entry in a list, and holds up nobody." : "One loop that asks the kernel who is ready: nobody waits for another.";
    default:
      throw new Error(`unknown model ${model}`);
  }
}
