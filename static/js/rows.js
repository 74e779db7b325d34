/** A list of thousands of rows of which only the visible ones are in the document. */

import { el, fill, write } from "./dom.js";
import { clock, count, since } from "./format.js";

/** @typedef {import("./traffic.js").Row} Row */

const SPARE = 8;

/**
 * @param {HTMLElement} element
 * @param {{follow: HTMLButtonElement, empty: HTMLElement, onOpen: (row: Row) => void, onClose: () => void}} parts
 */
export function createRows(element, { follow, empty, onOpen, onClose }) {
  const space = el("div", { class: "space" });
  const box = el("div", { class: "rows", role: "listbox", id: "rows", "aria-label": "Events", tabindex: "0" }, space);
  element.append(box, empty, follow);
  /** @type {Row[]} */
  let rows = [];
  let following = true;
  let missed = 0;
  let lastTop = 0;
  let height = 26;
  /** @type {Row|null} */
  let chosen = null;
  let hovered = "";

  function measure() {
    height = parseFloat(getComputedStyle(box).getPropertyValue("--row")) * parseFloat(getComputedStyle(document.documentElement).fontSize) || 26;
  }

  function draw() {
    const first = Math.max(0, Math.floor(box.scrollTop / height) - SPARE);
    const last = Math.min(rows.length, Math.ceil((box.scrollTop + box.clientHeight) / height) + SPARE);
    space.style.height = `${rows.length * height}px`;
    const same = hovered || (chosen ? link(chosen) : "");
    const lines = [];
    for (let place = first; place < last; place += 1) {
      const line = rowElement(rows[place], place, rows.length, rows[place] === chosen, same);
      line.style.transform = `translateY(${place * height}px)`;
      lines.push(line);
    }
    fill(space, ...lines);
    const active = chosen && lines.find((line) => line.getAttribute("aria-selected") === "true");
    box.setAttribute("aria-activedescendant", active ? active.id : "");
    empty.hidden = rows.length > 0;
    follow.hidden = following || rows.length === 0;
    write(follow, missed ? `${count(missed)} new, follow` : "Follow");
  }

  /** @param {number} place */
  function choose(place) {
    const row = rows[Math.max(0, Math.min(rows.length - 1, place))];
    if (!row) return;
    chosen = row;
    following = false;
    const top = rows.indexOf(row) * height;
    if (top < box.scrollTop) box.scrollTop = top;
    if (top + height > box.scrollTop + box.clientHeight) box.scrollTop = top + height - box.clientHeight;
    draw();
    onOpen(row);
  }

  function followNow() {
    following = true;
    missed = 0;
    space.style.height = `${rows.length * height}px`;
    box.scrollTop = box.scrollHeight;
    lastTop = box.scrollTop;
    draw();
  }

  // Only a scroll upwards ends following: more rows below are no wish of the reader's.
  box.addEventListener("scroll", () => {
    const atEnd = box.scrollTop + box.clientHeight >= rows.length * height - height;
    if (box.scrollTop < lastTop - 1 && !atEnd) following = false;
    else if (atEnd && !chosen) following = true;
    lastTop = box.scrollTop;
    if (following) missed = 0;
    draw();
  });
  box.addEventListener("click", (event) => {
    const line = /** @type {HTMLElement} */ (event.target).closest("[data-place]");
    if (line instanceof HTMLElement) choose(Number(line.dataset.place));
  });
  box.addEventListener("pointerover", (event) => {
    const line = /** @type {HTMLElement} */ (event.target).closest("[data-link]");
    hover(line instanceof HTMLElement ? (line.dataset.link ?? "") : "");
  });
  box.addEventListener("pointerleave", () => hover(""));
  /** @param {string} next */
  function hover(next) {
    if (next === hovered) return;
    hovered = next;
    const same = hovered || (chosen ? link(chosen) : "");
    for (const line of space.children) line.classList.toggle("same", same !== "" && /** @type {HTMLElement} */ (line).dataset.link === same);
  }
  box.addEventListener("keydown", (event) => {
    const page = Math.floor(box.clientHeight / height);
    const at = chosen ? rows.indexOf(chosen) : Math.floor(box.scrollTop / height) - 1;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -rows.length, End: rows.length }[event.key];
    if (step) choose(at + step);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  function close() {
    chosen = null;
    onClose();
    draw();
    box.focus({ preventScroll: true });
  }
  follow.addEventListener("click", followNow);
  /** The box or its rows have another size: who followed still does. */
  function settle() {
    measure();
    if (following) followNow();
    else draw();
  }
  document.addEventListener("look", () => requestAnimationFrame(settle));
  // Before the scroll that a new size brings, which is no wish of the reader's either.
  addEventListener("resize", settle);
  new ResizeObserver(settle).observe(box);
  measure();

  return {
    /** @param {Row[]} next */
    replace(next) {
      rows = next;
      if (following) followNow();
      else draw();
    },
    /** Append, and forget the oldest beyond the limit without moving what is read. @param {Row[]} fresh @param {number} limit */
    append(fresh, limit) {
      rows = rows.concat(fresh);
      const over = Math.max(0, rows.length - limit);
      if (over) rows = rows.slice(over);
      if (following) {
        followNow();
        return;
      }
      missed += fresh.length;
      if (over) lastTop = box.scrollTop -= over * height;
      draw();
    },
    count: () => rows.length,
    followNow, close,
  };
}

/** What ties rows together: the connection, or the peer. @param {Row} row */
function link(row) {
  return row.event.conn || row.event.peer || "";
}

/** The event in words, without the peer that stands in its own column. @param {import("./types.js").Event} event */
function wordsOf({ text = "", peer }) {
  return peer && text.startsWith(`${peer} `) ? text.slice(peer.length + 1) : text;
}

/** @param {Row} row @param {number} place @param {number} total @param {boolean} chosen @param {string} same */
function rowElement(row, place, total, chosen, same) {
  const { event } = row;
  const tie = link(row);
  const arrow = event.way === "to_server" ? "→" : event.way === "to_client" ? "←" : "";
  return el(
    "div", {
      class: `row${same && tie === same ? " same" : ""}`, role: "option", id: `event-${event.n}`, "aria-selected": String(chosen),
      "aria-setsize": total, "aria-posinset": place + 1, "data-place": place, "data-n": event.n, "data-kind": event.kind, "data-way": event.way, "data-link": tie,
    },
    el("span", { class: "n" }, event.n),
    el("span", { class: "t", title: clock(event.t) }, since(row.since)),
    el("span", { class: "way", title: arrow === "→" ? "client to server" : arrow ? "server to client" : null }, arrow),
    el("span", { class: "peer" }, row.person && el("b", {}, `${row.person} `), event.peer ?? ""),
    el("span", { class: "kind" }, event.kind.replaceAll("_", " ")),
    el("span", { class: "text" }, wordsOf(event)),
    el("span", { class: "size" }, event.data ? `${count(event.data.size)} B` : ""),
  );
}
