/** One lane: who it is, how it stands, its numbers, buttons for a simulated client of one's own, and the canvas. */

import { el, fill, write } from "../../dom.js";
import { markOf } from "./chart.js";
import { drawLane } from "./draw.js";
import { layLane, nearestTo, stepsOf } from "./layout.js";
import { figures, foundWords, sinceWords, STATES } from "./words.js";

/** @typedef {import("./client.js").Client} Client */
/** @typedef {{read: (lane: Lane, words: string) => void, tell: (text: string, lane: Lane) => void, letGo: () => void}} Hooks */
/** @typedef {ReturnType<typeof createLane>} Lane */

/** What the buttons say and what they tell the client, as it stands. @param {Client} client @returns {[string, string, string][]} */
function orders({ does, number }) {
  const wake = /** @type {[string, string, string]} */ (["Wake", `wake ${number}`, "It sends again"]);
  if (does === "stopped") return [["Start", `wake ${number}`, "It starts on a new socket, with SEQ 1"]];
  return [
    does === "silent" ? wake : ["Silence", `silence ${number}`, "It says nothing, and its numbers stand still: a program that hangs"],
    does === "unplugged" ? wake : ["Unplug", `unplug ${number}`, "It sends on, and nothing arrives: a cable that is out"],
    ["Restart", `restart ${number}`, "It begins again with SEQ 1"],
  ];
}

/** @param {Client} client @param {Hooks} hooks */
export function createLane(client, { read, tell, letGo }) {
  const sign = el("span", { class: "sign", "aria-hidden": "true" });
  const name = el("b", { class: "name" });
  const since = el("span", { class: "since" });
  const note = el("small", { class: "peer" });
  const values = figures(client).map(([title]) => ({ title, value: el("b") }));
  const numbers = el("p", { class: "numbers" }, ...values.map(({ title, value }) => el("span", {}, `${title} `, value)));
  const hands = el("p", { class: "hands", role: "group", hidden: true });
  const canvas = el("canvas", { tabindex: "0", role: "img" });
  const row = el("li", { class: "lane", "data-peer": client.peer }, el("div", { class: "who" }, el("p", { class: "title" }, markOf(client.index), name, note), el("p", { class: "standing" }, sign, " ", since), numbers, hands), el("div", { class: "track" }, canvas));
  /** @type {import("./layout.js").Laid} */
  let laid = { ticks: [], crosses: [], bands: [], marks: [] };
  /** @type {number|null} */
  let chosen = null;
  /** @type {object|null} what the keys have come to */
  let reached = null;
  let shown = "";

  canvas.addEventListener("pointermove", (event) => {
    const { offsetX: x } = event;
    const found = nearestTo(laid, x);
    chosen = found?.kind === "beat" ? found.tick.x : found?.kind === "missing" ? found.cross.x : x;
    read(lane, found ? foundWords(found) : "nothing was heard of it then");
  });
  canvas.addEventListener("pointerleave", release);
  canvas.addEventListener("blur", release);
  canvas.addEventListener("keydown", (event) => {
    const way = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (event.key === "Escape" && chosen !== null) release();
    if (!way) return;
    event.preventDefault();
    const steps = stepsOf(laid);
    const place = steps.findIndex(({ what }) => what === reached);
    const next = place < 0 ? steps.at(way < 0 ? -1 : 0) : steps[place + way];
    if (!next) return;
    chosen = next.x;
    reached = next.what;
    read(lane, foundWords(next.found));
  });
  function release() {
    if (chosen === null) return;
    chosen = reached = null;
    letGo();
  }

  /** @param {boolean} mine */
  function showHands(mine) {
    const wanted = mine ? `${client.does} ${client.number}` : "";
    if (wanted === shown) return;
    const had = hands.contains(document.activeElement) ? [...hands.children].indexOf(/** @type {Element} */ (document.activeElement)) : -1;
    shown = wanted;
    hands.hidden = !mine;
    fill(hands, ...(mine ? orders(client).map(([words, text, title]) => el("button", { type: "button", title, onclick: () => tell(text, lane) }, words)) : []));
    const again = hands.children[Math.min(had, hands.children.length - 1)];
    if (had >= 0 && again instanceof HTMLElement) again.focus();
  }

  const lane = {
    client, row, canvas, seen: false,
    get laid() {
      return laid;
    },
    /** @param {string} who @param {string} about @param {number} now @param {boolean} mine @param {number} order */
    update(who, about, now, mine, order) {
      row.dataset.state = client.state || "none";
      if (row.style.order !== String(order)) row.style.order = String(order);
      const standing = sinceWords(client, now);
      write(sign, STATES[client.state][0]);
      write(name, who);
      write(note, about);
      if (name.title !== about) name.title = about;
      write(since, standing);
      if (since.title !== client.why) since.title = client.why;
      for (const [place, [, value]] of figures(client).entries()) write(values[place].value, value);
      showHands(mine);
      const label = `${who}, ${STATES[client.state][1]}: ${client.why || "nothing came yet"}. Arrow keys read its heartbeats.`;
      if (canvas.getAttribute("aria-label") !== label) canvas.setAttribute("aria-label", label);
    },
    /** @param {[number, number]} range @param {number} top @param {number[]} grid in parts of the width */
    draw(range, top, grid) {
      const width = canvas.clientWidth;
      laid = layLane(client, range, width, top);
      drawLane(canvas, laid, grid.map((part) => part * width), chosen);
    },
    get held() {
      return chosen !== null;
    },
  };
  return lane;
}
