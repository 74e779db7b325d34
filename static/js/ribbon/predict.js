/** Predict first: how many reads will it take? Then the request runs, and what it took is told with its reason. */

import { isOpen } from "../command.js";
import { el, fill, one, say, write } from "../dom.js";
import { count } from "../format.js";
import { recall, remember } from "../recall.js";
import { readsOf, verdictWords } from "./reasons.js";

/** @typedef {{id: string, said: number, ended: number}} Bet */
/** @typedef {{said: number, took: number|null}} Past */

const PATIENCE_MS = 1500;
const KEPT = 10;

/**
 * @param {HTMLFormElement} form @param {import("../keep.js").Store} store @param {import("./model.js").Streams} streams
 * @param {{send: () => Promise<string>}} trying @param {(request: string) => void} found what to show then
 */
export function mountPredict(form, store, streams, trying, found) {
  const input = /** @type {HTMLInputElement} */ (one(form, "input"));
  const button = /** @type {HTMLButtonElement} */ (one(form, "button"));
  const verdict = one(form, ".came");
  const reason = one(form, ".reason");
  const past = one(form, ".bets");
  /** Not decided yet, and the newest that are: both survive a reload. @type {Bet[]} */
  let open = recall("bets", /** @type {Bet[]} */ ([])).map((bet) => ({ ...bet, ended: 0 }));
  /** @type {Past[]} */
  let done = recall("betsdone", []);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = Number(input.value.trim());
    const fine = input.value.trim() !== "" && Number.isInteger(said) && said >= 0;
    input.toggleAttribute("aria-invalid", !fine);
    verdict.dataset.right = "";
    if (!fine) {
      write(verdict, "Say a whole number first: what do you expect?");
      input.focus();
      return;
    }
    write(verdict, "It runs…");
    const id = await trying.send();
    if (id) remember("bets", (open = [...open, { id, said, ended: 0 }].slice(-KEPT)));
    else write(verdict, "It was not sent: see the form «Try it» below.");
    look();
  });

  /** Which bets are decided: their requests have ended, and their connections are told to the end. */
  function look() {
    const now = performance.now();
    for (const bet of open) {
      const request = store.state.requests.find((entry) => entry.id === bet.id);
      if (!request || isOpen(request)) continue;
      if (!bet.ended) {
        bet.ended = now;
        setTimeout(look, PATIENCE_MS + 20);
      }
      const connections = streams.connections.filter((connection) => connection.request === bet.id);
      const told = connections.length > 0 && connections.every(({ ends }) => ends.client?.closed && ends.server?.closed);
      if (told || now - bet.ended > PATIENCE_MS) decide(bet, request, connections);
    }
    if (open.some(({ said }) => said < 0)) remember("bets", (open = open.filter(({ said }) => said >= 0)));
    const stopped = document.getElementById("send-reason")?.textContent ?? "";
    button.disabled = /** @type {HTMLButtonElement|null} */ (document.getElementById("send"))?.disabled ?? true;
    write(reason, stopped);
  }

  /** @param {Bet} bet @param {import("../types.js").Request} request @param {import("./model.js").Connection[]} connections */
  function decide(bet, request, connections) {
    const took = readsOf(connections, request.result);
    const words = verdictWords(bet.said, took, connections);
    write(verdict, words);
    verdict.dataset.right = took === null ? "" : String(took === bet.said);
    say(words);
    remember("betsdone", (done = [{ said: bet.said, took }, ...done].slice(0, KEPT)));
    list();
    bet.said = -1;
    found(bet.id);
  }

  function list() {
    fill(past, ...done.map(({ said, took }) => el("li", {}, `You said ${count(said)}, it took ${took === null ? "?" : count(took)}`, el("span", { "aria-hidden": "true" }, took === said ? " ✓" : ""))));
  }

  store.subscribe((_, change) => {
    if (change.type !== "frame" || open.length) look();
  });
  list();
  look();
}
