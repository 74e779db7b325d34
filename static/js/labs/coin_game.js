/** The coin game's page: the games as they go, a game by hand, and what came of a reader's run. */

import { timed } from "../chartbase.js";
import { isMine } from "../command.js";
import { el, fill, write } from "../dom.js";
import { count, plural } from "../format.js";
import { inTerminal } from "../reach.js";
import { createGames } from "./coin_game/games.js";
import { createHand } from "./coin_game/hand.js";
import { Model } from "./coin_game/model.js";

export { sessionAnswer } from "./coin_game/hand.js";
export { resultSummary } from "./coin_game/outcome.js";

const KEY = /** @type {[string, string][]} */ ([["●", "right"], ["✕", "wrong"], ["┆", "rounds not told"]]);

/** @param {HTMLElement} element @param {import("../keep.js").Store} store @param {import("../types.js").Page} page */
export function picture(element, store, page) {
  const model = new Model();
  const mine = (/** @type {string} */ id) => {
    const request = store.state.requests.find((entry) => entry.id === id);
    return Boolean(request && isMine(request, page));
  };
  const games = createGames(model, store, mine);
  const hand = createHand(store, page);
  const figures = el("span", { class: "help", role: "status" });
  const empty = el("p", { class: "empty" });
  const key = el("p", { class: "help coinkey" }, ...KEY.map(([sign, words]) => el("span", { "data-key": words }, el("b", { "aria-hidden": "true" }, sign), ` ${words}`)), el("span", {}, "upper row heads (1), lower row tails (0)"));
  fill(element, el("div", { class: "headline" }, el("h2", {}, "Games"), figures), hand.element, empty, games.element, key);
  let asked = 0;

  function plan() {
    asked ||= requestAnimationFrame(draw);
  }
  function draw() {
    asked = 0;
    timed(games.draw);
    hand.draw();
    const none = model.games.length === 0;
    empty.hidden = !none;
    games.element.hidden = key.hidden = none;
    if (none) write(empty, emptyWords(store.state.instance, page));
    const { won = 0, games: all = 0 } = store.state.counters;
    write(figures, none ? "" : `${plural(model.playing, "game")} going on, ${count(won)} of ${count(all)} won`);
  }

  store.subscribe((state, change) => {
    if (change.replaced) model.clear();
    model.add(change.marks);
    if (!state.paused || change.type === "pause" || change.requests) plan();
  });
  plan();
  Object.assign(window, { socketLab: { games: () => model.games } });

  return {
    model,
    /** @param {import("../types.js").Request} request */
    progress: (request) => {
      const game = model.games.findLast((entry) => entry.request === request.id);
      if (!game || request.session) return null;
      const total = Number(request.arguments.rounds) || game.rounds;
      return { done: game.right, total, words: `round ${count(game.round)} of ${count(total)}` };
    },
  };
}

/** @param {import("../types.js").Instance|null} instance @param {import("../types.js").Page} page */
function emptyWords(instance, page) {
  if (instance?.state !== "running") return page.me?.role === "teacher" ? "No games yet. Start the server, then press the button above." : "No games yet, and the server is not running.";
  return `No games yet: press the button above, or ${inTerminal(instance, page, location.hostname)}`;
}
