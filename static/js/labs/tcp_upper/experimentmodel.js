/** The experiments as their events tell them: who called what, and what was predicted and seen. Pure. */

/** @typedef {import("../../types.js").Event} Event */
/** @typedef {{kind: "call", actor: string, call: string, words: string, result: string, error: string, means: string}} Call */
/** @typedef {{kind: "remark", means: string}} Remark */
/** @typedef {{kind: "claim", what: string, predicted: string, seen: string, agree: boolean}} Claim */
/**
 * @typedef {{request: string, experiment: string, title: string, family: string, actors: string[],
 *   steps: (Call|Remark|Claim)[], over: boolean, outcome: string, verdict: string}} Run
 */

const RUNS = 60;

export class Runs {
  constructor() {
    /** @type {Map<string, Run>} by the id of the request, the newest last */
    this.all = new Map();
  }

  clear() {
    this.all.clear();
  }

  /** Take in events; the ids of the runs that they changed. @param {Event[]} events */
  add(events) {
    /** @type {Set<string>} */
    const changed = new Set();
    for (const event of events) {
      const id = event.request ?? "";
      if (event.kind === "experiment_started") this.all.set(id, started(event));
      const run = this.all.get(id);
      if (!run || !event.kind.startsWith("experiment_")) continue;
      changed.add(id);
      take(run, event);
    }
    while (this.all.size > RUNS) this.all.delete(/** @type {string} */ (this.all.keys().next().value));
    return changed;
  }

  /**
   * The run that was chosen, else the newest of one's own, else the newest.
   * @param {string} chosen @param {(id: string) => boolean} own @returns {Run|undefined}
   */
  pick(chosen, own) {
    const runs = [...this.all.values()];
    return this.all.get(chosen) ?? runs.filter((run) => own(run.request)).at(-1) ?? runs.at(-1);
  }
}

/** @param {Event} event @returns {Run} */
function started(event) {
  return { request: event.request ?? "", experiment: event.experiment, title: event.title, family: event.family ?? "ipv4", actors: [], steps: [], over: false, outcome: "", verdict: "" };
}

/** Fields at their default are left out on the wire. @param {Run} run @param {Event} event */
function take(run, event) {
  switch (event.kind) {
    case "experiment_call":
      if (!event.call) {
        run.steps.push({ kind: "remark", means: event.means ?? "" });
        break;
      }
      if (!run.actors.includes(event.actor)) run.actors.push(event.actor);
      run.steps.push({ kind: "call", actor: event.actor, call: event.call, words: event.arguments ?? "", result: event.result ?? "", error: event.error ?? "", means: event.means ?? "" });
      break;
    case "experiment_claim":
      run.steps.push({ kind: "claim", what: event.what, predicted: event.predicted, seen: event.seen, agree: event.agree ?? false });
      break;
    case "experiment_finished":
      Object.assign(run, { over: true, outcome: event.outcome, verdict: event.verdict });
  }
}

/** What a call returned, or why it failed. @param {Call} call */
export function answer({ result, error }) {
  return error || (result === "0" ? "" : result);
}

/**
 * The person's prediction beside what happened, in words.
 * @param {import("./questions.js").Question|undefined} question @param {string} predicted an option, "" for none @param {Run} run
 */
export function compare(question, predicted, run) {
  const seen = question?.options[run.outcome] ?? run.outcome;
  if (!question || run.outcome === "failed") return { seen: "The experiment could not be played to its end here.", predicted: "", right: null };
  const words = question.options[predicted] ?? "";
  return { seen, predicted: words, right: words ? predicted === run.outcome : null };
}
