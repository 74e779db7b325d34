/** A walk: one packet after the other, each with two sentences; on a request that was just made, or on any connection. */

import { call, words } from "../api.js";
import { isOpen, whyNot } from "../command.js";
import { all, fill, el, one, say, write } from "../dom.js";
import { stepOf, summaryOf } from "./steps.js";
import { withoutPackets } from "./titles.js";

/** @typedef {import("./model.js").Row} Row */
/** @typedef {import("./model.js").Connection} Connection */

const SLACK = 0.75;
const PATIENCE_MS = 8000;

/**
 * @param {HTMLElement} element @param {{at: (n: number, looked: boolean) => void}} hooks `at`: packets up to that one are shown, and it is looked at
 */
export function createWalk(element, { at: go }) {
  const title = one(element, ".steptitle");
  const why = one(element, ".why");
  const numbers = one(element, ".numbers");
  const sum = one(element, ".summary");
  const place = one(element, ".place");
  const [back, next] = /** @type {HTMLButtonElement[]} */ ([one(element, "[data-step=back]"), one(element, "[data-step=next]")]);
  /** @type {Row[]} */
  let rows = [];
  let rebuilt = false;
  /** @type {ReadonlySet<number>} */
  let thrown = new Set();
  let at = 0;

  /** @param {boolean} [told] by key or press */
  function show(told = false) {
    const row = rows[at];
    element.classList.toggle("without", !row);
    back.disabled = at === 0;
    next.disabled = at >= rows.length - 1;
    write(place, row ? `Packet ${at + 1} of ${rows.length}` : "");
    const step = row ? stepOf(rows, at, thrown) : { title: "No packets yet", why: "Make a request and walk it, or choose a connection.", numbers: "" };
    write(title, step.title);
    title.dataset.way = row?.way ?? "";
    write(why, step.why);
    write(numbers, step.numbers);
    const last = row && at === rows.length - 1;
    fill(sum, last && el("b", {}, "All in all: "), last && summaryOf(rows, rebuilt, thrown));
    if (told && row) say(`${step.title}. ${step.why} ${step.numbers}`);
  }
  /** @param {number} to @param {boolean} [told] */
  function step(to, told = true) {
    if (!rows.length) return;
    at = Math.max(0, Math.min(rows.length - 1, to));
    show(told);
    go(rows[at].n, told);
  }
  for (const button of all(element, "[data-step]")) button.addEventListener("click", () => step(at + (button.dataset.step === "next" ? 1 : -1)));

  return {
    /** @param {Row[]} packets @param {boolean} worked rebuilt from calls @param {boolean} other of another connection @param {ReadonlySet<number>} [lost] numbers of the datagrams that the lab threw away */
    update(packets, worked, other, lost = new Set()) {
      [rows, rebuilt, thrown] = [packets, worked, lost];
      if (other) at = 0;
      show();
    },
    next: () => step(at + 1), back: () => step(at - 1),
    /** Again where it stood. */
    resume: () => step(at, false),
    /** @param {number} n */
    to: (n) => step(rows.findIndex((row) => row.n === n)),
    get n() { return rows[at]?.n ?? 0; },
    get waits() { return !rows.length; },
  };
}

/**
 * Make the lab's own request and find its connection.
 * @param {HTMLButtonElement} button @param {import("../keep.js").Store} store
 * @param {{teacher: boolean, base: string, before: () => Promise<any>, look: () => Promise<Connection[]>, found: (id: string) => void, told: (words: string) => void}} hooks
 */
export function mountAsk(button, store, { teacher, base, before, look, found, told }) {
  let busy = false;
  function show() {
    const reason = whyNot(store.state.instance?.state ?? "stopped", teacher) || withoutPackets(store.state.instance);
    button.disabled = busy || reason !== "";
    button.title = reason || "Sends the lab’s request with what its form begins with, then shows its packets one by one";
  }
  button.addEventListener("click", async () => {
    busy = true;
    show();
    told("The request runs…");
    try {
      await before();
      const known = new Set((await look()).map(({ id }) => id));
      const request = await call("POST", `${base}/requests`, {});
      const id = await connectionOf(request.id, known);
      if (id) found(id);
      told(id ? "" : "The request ran, but no packets of it were seen.");
    } catch (problem) {
      told(words(problem));
    }
    busy = false;
    show();
  });

  /** The connection of a request: by the client's own address, as its events tell it; else the newest that is new. @param {string} request @param {Set<string>} known */
  async function connectionOf(request, known) {
    const until = Date.now() + PATIENCE_MS;
    for (let calm = 0; Date.now() < until; ) {
      const own = new Set(store.state.events.filter((event) => event.request === request && event.own).map(({ own: address }) => address));
      const state = await call("GET", `/requests/${request}`);
      const started = (state.started ?? Infinity) - SLACK;
      const fresh = (await look()).filter((connection) => !known.has(connection.id));
      const mine = fresh.filter(({ client }) => own.has(client));
      const some = mine.length ? mine : own.size ? [] : fresh.filter((connection) => connection.started >= started);
      const captured = some.filter(({ source }) => source === "capture");
      // What a capture has comes a moment after the events that it is worked out from.
      calm += Number(!isOpen(state));
      if (captured.length && (!isOpen(state) || state.session)) return captured.at(-1)?.id ?? "";
      if (some.length && calm > 5) return some.at(-1)?.id ?? "";
      await new Promise((done) => setTimeout(done, 150));
    }
    return "";
  }
  store.subscribe((_, change) => {
    if (change.type !== "frame") show();
  });
  show();
  return { run: () => button.click() };
}
