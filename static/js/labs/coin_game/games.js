/** The list of games, newest first: who plays, how far, which tosses, how fast. */

import { el, fill, svg, write } from "../../dom.js";
import { count, number } from "../../format.js";
import { personOf } from "../../people.js";
import { rate, TOSSES } from "./model.js";
import { HEIGHT, paths, STEP } from "./strip.js";
import { signOf, stateWords, streamWords } from "./words.js";

/** @typedef {import("./model.js").Game} Game */
/** @typedef {{element: HTMLElement, show: (game: Game, who: string, mine: boolean) => void}} Row */

const LISTED = 60;
const WIDTH = STEP * TOSSES;

/** @param {import("./model.js").Model} model @param {import("../../keep.js").Store} store @param {(request: string) => boolean} isMine */
export function createGames(model, store, isMine) {
  const list = el("ol", { class: "coingames", tabindex: "0", "aria-label": "Games, the newest first" });
  /** @type {Map<string, Row>} */
  const rows = new Map();

  /** @param {Game} game */
  function who(game) {
    const person = store.state.requests.find((request) => request.id === game.request)?.person;
    return person || personOf(store.state, game.peer);
  }

  function draw() {
    const games = model.games.slice(-LISTED).reverse();
    const keys = new Set(games.map((game) => game.key));
    for (const [key, row] of rows) {
      if (keys.has(key)) continue;
      row.element.remove();
      rows.delete(key);
    }
    for (const [place, game] of games.entries()) {
      let row = rows.get(game.key);
      if (!row) rows.set(game.key, (row = createRow()));
      row.show(game, who(game), isMine(game.request));
      if (list.children[place] !== row.element) list.insertBefore(row.element, list.children[place] ?? null);
    }
  }
  return { element: list, draw };
}

/** @returns {Row} */
function createRow() {
  const name = el("span", { class: "gamer" });
  const address = el("span", { class: "peer" });
  const bar = el("progress", { max: "1", value: "0" });
  const sign = el("span", { class: "sign", "aria-hidden": "true" });
  const words = el("span", { class: "words" });
  const speed = el("span", { class: "speed" });
  const right = svg("path", { class: "right" });
  const wrong = svg("path", { class: "wrong" });
  const gaps = svg("path", { class: "gaps" });
  const strip = svg("svg", { class: "strip", height: HEIGHT, "aria-hidden": "true", preserveAspectRatio: "xMaxYMid slice" }, gaps, right, wrong);
  const notes = el("div", { class: "notes" });
  const element = el("li", {}, el("div", { class: "player" }, name, address), el("div", { class: "how" }, sign, words), speed, bar, strip, notes);
  let drawn = "";
  return {
    element,
    show(game, person, mine) {
      const shape = `${game.round} ${game.right} ${game.ending} ${person} ${mine} ${Boolean(game.step)} ${Boolean(game.glued)} ${game.rounds}`;
      if (shape === drawn) return;
      drawn = shape;
      element.dataset.ending = game.ending || "playing";
      element.dataset.mine = String(mine);
      write(name, person || game.peer);
      write(address, person ? game.peer : "");
      write(sign, signOf(game.ending));
      write(words, stateWords(game));
      const fast = rate(game);
      write(speed, fast ? `${fast < 10 ? number(fast) : count(fast)} rounds/s` : "");
      bar.max = Math.max(1, game.rounds);
      bar.value = game.right;
      bar.setAttribute("aria-label", `${game.right} of ${game.rounds} rounds right`);
      const drawnPaths = paths(game.tosses);
      for (const [path, d] of /** @type {[SVGElement, string][]} */ ([[right, drawnPaths.right], [wrong, drawnPaths.wrong], [gaps, drawnPaths.gaps]])) path.setAttribute("d", d);
      const width = Math.max(drawnPaths.width, 1);
      strip.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
      strip.setAttribute("width", String(Math.min(width, WIDTH)));
      fill(notes, ...streamWords(game).map((said) => el("p", {}, said)));
    },
  };
}
