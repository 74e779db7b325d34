/** The ladder: thousands of lines of which only the visible ones are in the document; live until it is scrolled. */

import { el, write } from "../dom.js";
import { count } from "../format.js";
import { measure } from "../measure.js";
import { PAGE, tieHands } from "./ladderhands.js";
import { createHead } from "./ladderhead.js";
import { createLines, heightOf } from "./lines.js";
import { LOOK, rungElement } from "./rung.js";

/** @typedef {import("./model.js").Row} Row */
/** @typedef {import("./joins.js").Item} Item */
/** @typedef {import("./rung.js").Look} Look */

const SPARE = 3;

/**
 * @param {HTMLElement} element @param {HTMLButtonElement} follow
 * @param {{onChoose: (row: Row|null, told: boolean) => void, may: (row: Row) => boolean}} hooks `may`: whether a row can be chosen now
 */
export function createLadder(element, follow, { onChoose, may }) {
  const head = createHead();
  const space = el("div", { class: "space", role: "presentation" });
  const box = el("div", { class: "ladder", role: "listbox", tabindex: "0", "aria-label": "Packets", "aria-describedby": "ladder-keys" }, head.element, space);
  element.append(box, follow);
  const lines = createLines(space);
  /** @type {Item[]} */
  let items = [];
  /** Place of each packet's line, and the packet before. @type {Map<number, number>} */
  let places = new Map();
  /** @type {Row[]} */
  let rows = [];
  let look = LOOK;
  let limit = Infinity;
  let end = 0; // lines that are shown
  let following = true;
  let live = true;
  let missed = 0;
  let lastTop = 0;
  let height = 44;
  let room = 400; // of the box, below its head
  let asked = 0;
  /** @type {number} the chosen packet's number; 0: none */
  let chosen = 0;

  function size() {
    height = heightOf(box);
    room = box.clientHeight - head.element.offsetHeight;
  }

  /** Draw what is in view. @param {boolean} [anew] what stands there says something else now */
  function draw(anew = false) {
    const start = performance.now();
    if (anew) lines.clear();
    const top = box.scrollTop; // read before anything is written: the browser lays out once
    const first = Math.max(0, Math.floor(top / height) - SPARE);
    const last = Math.min(end, Math.ceil((top + room) / height) + SPARE);
    lines.show(first, last, height, lineAt);
    head.show(items, Math.min(end, Math.floor((top + 1) / height)), rows[0]);
    follow.hidden = following || !live || !items.length || limit < Infinity;
    write(follow, missed ? `${count(missed)} new, follow` : "Follow");
    measure("ladder-update", start);
  }
  /** @param {number} place */
  function lineAt(place) {
    const { row } = items[place];
    const before = row ? (rows[rowPlace(row.n) - 1] ?? null) : null;
    return rungElement(items[place], place, { look, chosen: row?.n === chosen, total: rows.length, before, start: rows[0]?.t ?? 0 });
  }
  /** @param {number} n */
  function rowPlace(n) {
    return n - (rows[0]?.n ?? 1);
  }

  /** @param {number} place of its line */
  function intoView(place) {
    const top = place * height;
    if (top < box.scrollTop) box.scrollTop = top;
    if (top + height > box.scrollTop + room) box.scrollTop = top + height - room;
  }

  /** @param {number} n @param {boolean} [told] by key or press */
  function choose(n, told = false) {
    const place = places.get(n);
    const row = place === undefined ? null : items[place].row;
    if (place === undefined || !row || place >= end || !may(row)) return;
    mark(false);
    chosen = n;
    if (told) following = false;
    intoView(place);
    draw();
    mark(true);
    onChoose(row, told);
  }
  /** @param {boolean} on */
  function mark(on) {
    const line = lines.at(places.get(chosen) ?? -1);
    line?.setAttribute("aria-selected", String(on));
    box.setAttribute("aria-activedescendant", on && line ? line.id : "");
  }
  function release() {
    mark(false);
    chosen = 0;
    onChoose(null, false);
  }

  function followNow() {
    following = true;
    missed = 0;
    stretch();
    box.scrollTop = box.scrollHeight;
    lastTop = box.scrollTop;
    draw();
  }
  function stretch() {
    const to = limit < Infinity ? (places.get(limit + 1) ?? items.length) : items.length;
    end = Math.min(to, items.length);
    space.style.height = `${end * height}px`;
  }
  function settle() {
    size();
    stretch();
    if (following && limit === Infinity) followNow();
    draw(true);
  }

  box.addEventListener("scroll", () => {
    const atEnd = box.scrollTop + room >= end * height - height;
    if (box.scrollTop < lastTop - 1 && !atEnd) following = false;
    else if (atEnd && !chosen && live) following = true;
    lastTop = box.scrollTop;
    if (following) missed = 0;
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      draw();
    });
  });
  tieHands(box, {
    choose, release,
    move(by) {
      const page = Math.max(1, Math.floor(room / height) - 1);
      const at = chosen || firstInView() - Math.sign(by);
      choose(Math.max(rows[0]?.n ?? 1, Math.min(rows.at(-1)?.n ?? 0, limit, at + (Math.abs(by) === PAGE ? Math.sign(by) * page : by))), true);
    },
    get chosen() { return chosen; },
  });
  function firstInView() {
    let place = Math.max(0, Math.floor(box.scrollTop / height));
    while (place < end && !items[place].row) place += 1;
    return items[place]?.row?.n ?? rows[0]?.n ?? 1;
  }
  follow.addEventListener("click", followNow);
  document.addEventListener("look", () => requestAnimationFrame(settle));
  addEventListener("resize", settle);
  new ResizeObserver(settle).observe(box);
  size();

  return {
    box,
    get chosen() { return chosen; },
    /** Lines of another connection. @param {{client: string, server: string}|null} connection @param {boolean} goesOn it may go on: then its end is followed */
    begin(connection, goesOn) {
      live = goesOn;
      head.name(connection);
      [items, rows, places, chosen, missed, following, limit] = [[], [], new Map(), 0, 0, live, Infinity];
      stretch();
      box.scrollTop = lastTop = 0;
      draw(true);
    },
    /** @param {Item[]} next @param {Row[]} packets */
    update(next, packets) {
      missed += following ? 0 : Math.max(0, packets.length - rows.length);
      [items, rows] = [next, packets];
      places = new Map();
      for (const [place, { row }] of items.entries()) if (row) places.set(row.n, place);
      stretch();
      if (following && limit === Infinity) followNow();
      draw(true);
    },
    /** @param {Partial<Look>} change */
    show(change) {
      look = { ...look, ...change };
      box.toggleAttribute("data-absolute", look.absolute);
      draw(true);
    },
    /** Show packets up to this one only; Infinity: all. @param {number} n */
    limit(n) {
      limit = n;
      stretch();
      if (n < Infinity) box.scrollTop = box.scrollHeight;
      draw(true);
    },
    /** The calls that belong to a packet. @param {number} n */
    callsOf(n) {
      const item = items[places.get(n) ?? -1];
      return item ? [...item.client, ...item.server].map(({ call }) => call) : [];
    },
    choose, release, followNow,
  };
}
