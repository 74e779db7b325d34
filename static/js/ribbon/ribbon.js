/** The byte stream: send() calls above, recv() calls below, aligned by their bytes, and what is around the picture. */

import { isMine } from "../command.js";
import { all, el, fill, one, write } from "../dom.js";
import { personOf } from "../people.js";
import { createChooser } from "./chooser.js";
import { mountControls } from "./controls.js";
import { tieHands } from "./hands.js";
import { createLens } from "./lens.js";
import { merged, Streams } from "./model.js";
import { createPane } from "./pane.js";
import { mountPredict } from "./predict.js";
import { fillTable } from "./table.js";
import { nameOf, wayWords, WAYS } from "./words.js";

/** @typedef {import("./model.js").Connection} Connection */
/** @typedef {import("./model.js").Way} Way */

const STEP = 1.5;
const SLOWLY_MS = 250;
const SETTLED_MS = 1200;
const OWN = "Programs of their own";

/** @param {HTMLElement} card @param {import("../keep.js").Store} store @param {import("../types.js").Page} page */
export function mountRibbon(card, store, page) {
  const lab = /** @type {import("../types.js").Lab} */ (page.lab);
  const streams = new Streams();
  const select = /** @type {HTMLSelectElement} */ (one(card, "select.connection"));
  const chooser = createChooser(select, () => look(true));
  const lens = createLens(one(card, ".lens"));
  const empty = one(card, ".empty.over");
  const figures = one(card, ".ribbonfigures");
  const table = /** @type {HTMLDetailsElement} */ (one(card, "details.callstable"));
  const always = lab.view.stream.settings.length > 0 || !lab.view.picture;
  const datagrams = () => store.state.instance?.settings?.transport === "udp";
  let heard = performance.now();
  const now = () => streams.last + (performance.now() - heard) / 1000;
  const panes = /** @type {Way[]} */ (["to_server", "to_client"]).map((way) => createPane(way, { ask, now }));
  one(card, ".ribbonpanes").append(...panes.map(({ element }) => element));
  /** @type {Connection|null} */
  let shown = null;
  let direction = "to_client";
  let onScreen = false;
  let asked = 0;
  let slow = 0;
  let settled = 0;
  let figuresSaid = "";

  const inView = () => panes.filter(({ way }) => direction === "both" || way === direction);
  const who = (/** @type {Connection} */ connection) => store.state.requests.find(({ id }) => id === connection.request)?.person ?? personOf(store.state, connection.address);
  const named = (/** @type {Connection} */ connection, timed = true) => nameOf(connection, who(connection), timed);
  const withCalls = () => streams.connections.filter((connection) => connection.count > 0);

  /** Which connection is to be shown: the chosen one, the one that is being looked at, or the newest. */
  function current() {
    const chosen = streams.connections.find(({ id }) => id === chooser.chosen);
    if (chosen) return chosen;
    const held = shown && inView().some((pane) => pane.mode === "free" || pane.picked) && streams.connections.includes(shown);
    return held ? shown : (withCalls().at(-1) ?? null);
  }
  function look(told = false) {
    const next = current();
    if (next !== shown) {
      shown = next;
      for (const pane of panes) pane.show(next);
      lens.clear();
    }
    ask();
    if (told) tell();
    else slow ||= window.setTimeout(tell, SLOWLY_MS);
  }
  function ask() {
    asked ||= requestAnimationFrame(draw);
  }
  function draw() {
    asked = 0;
    if (!onScreen) return;
    for (const pane of inView()) pane.draw();
    for (const name of /** @type {const} */ (["newest", "all"])) one(card, `[data-follow=${name}]`).setAttribute("aria-pressed", String(inView().every(({ mode }) => mode === name)));
  }
  /** What is said in words, and in the table. */
  function tell() {
    clearTimeout(slow);
    slow = 0;
    card.hidden = datagrams() || (!always && card.hidden && !streams.count);
    const known = withCalls();
    chooser.update(known.reverse(), shown, named, (connection) => who(connection) || OWN);
    empty.hidden = shown !== null;
    card.classList.toggle("without", shown === null);
    write(empty, emptyWords(store.state, page, streams));
    const lines = shown ? inView().map(({ way }) => /** @type {[Way, string]} */ ([way, wayWords(/** @type {Connection} */ (shown), way)])) : [];
    const said = lines.map(([, words]) => words).join("\n");
    if (said !== figuresSaid) fill(figures, ...lines.map(([way, words]) => el("span", { "data-way": way }, el("b", {}, WAYS[way]), ` ${words}`)));
    figuresSaid = said;
    for (const pane of inView()) pane.describe();
    if (table.open) fillTable(one(table, "tbody"), shown);
  }

  for (const pane of panes) {
    tieHands(pane, (told) => {
      const spot = pane.shown;
      const rows = pane.rows();
      for (const other of panes) if (other !== pane && spot) other.pick(null);
      lens.show(shown, spot && rows?.[spot.level].calls[spot.place] ? { call: rows[spot.level].calls[spot.place], level: spot.level, way: pane.way } : null, told);
    });
  }
  for (const button of all(card, "[data-direction]")) {
    button.addEventListener("click", () => {
      direction = button.dataset.direction ?? "both";
      for (const each of all(card, "[data-direction]")) each.setAttribute("aria-pressed", String(each === button));
      for (const pane of panes) pane.element.hidden = !inView().includes(pane);
      look(true);
    });
  }
  for (const button of all(card, "[data-zoom]")) button.addEventListener("click", () => inView().forEach((pane) => pane.zoom(button.dataset.zoom === "in" ? STEP : 1 / STEP)));
  for (const button of all(card, "[data-follow]")) {
    button.addEventListener("click", () => {
      for (const pane of inView()) pane.follow(button.dataset.follow === "all" ? "all" : "newest");
      look(true);
    });
  }
  /** Back to the newest: of the connections as well as of the bytes. */
  function release() {
    chooser.follow();
    for (const pane of panes) {
      pane.pick(null);
      if (pane.mode === "free") pane.follow("newest");
    }
    look();
  }

  store.subscribe((state, change) => {
    if (change.replaced) streams.clear();
    const events = change.type === "snapshot" ? merged(change.marks, change.events) : change.events;
    const any = streams.add(events);
    if (any || change.replaced) heard = performance.now() - (change.type === "snapshot" ? 1000 * SETTLED_MS : 0);
    if (change.type === "request" && change.requests?.some((request) => isMine(request, page) && request.state === "running" && request.id !== released)) {
      released = change.requests[0].id;
      release();
    }
    if ((any && !state.paused) || change.replaced || change.type === "pause") {
      look();
      clearTimeout(settled);
      settled = window.setTimeout(look, SETTLED_MS);
    } else if (change.type !== "frame") slow ||= window.setTimeout(tell, SLOWLY_MS);
  });
  let released = "";
  new IntersectionObserver((entries) => {
    onScreen = entries[entries.length - 1].isIntersecting;
    if (onScreen) ask();
  }, { rootMargin: "100px" }).observe(card);
  document.addEventListener("look", ask);
  table.addEventListener("toggle", tell);
  mountControls(store, lab);
  for (const pane of panes) pane.element.hidden = !inView().includes(pane);
  tell();
  const before = /** @type {any} */ (window).socketLab ?? {};
  Object.assign(window, { socketLab: { ...before, ribbon: () => ({ connection: shown && { address: shown.address, request: shown.request, count: shown.count }, ways: Object.fromEntries(inView().map((pane) => [pane.way, pane.readOut()])) }) } });

  return {
    streams, release,
    /** @param {{send: () => Promise<string>}} trying */
    predict(trying) {
      mountPredict(/** @type {HTMLFormElement} */ (one(card, "form.predict")), store, streams, trying, (request) => {
        const found = streams.connections.find((connection) => connection.request === request);
        if (found && found !== shown) chooser.choose(found.id);
        look(true);
      });
    },
  };
}

/** @param {import("../store.js").PageState} state @param {import("../types.js").Page} page @param {Streams} streams */
function emptyWords({ instance }, page, streams) {
  if (instance?.state !== "running") return page.me?.role === "teacher" ? "No calls yet. Start the server, then predict and run." : "No calls yet, and the server is not running. The teacher can start it.";
  if (streams.connections.length) return "A connection is there, and no bytes yet: send something on it.";
  return `No calls yet: predict and run, or connect a program of your own to ${instance.address}.`;
}
