/** One connection in full: its ladder, what is shown of it and how, the packet, the stream and the table below. */

import { words } from "../api.js";
import { byId, notice, write } from "../dom.js";
import { recall, remember } from "../recall.js";
import { mountBar, showMode } from "./bar.js";
import { createDetail } from "./detail.js";
import { itemsOf, onlyLost, thrownOf } from "./joins.js";
import { createLadder } from "./ladder.js";
import { Walk } from "./model.js";
import { createAnswers, oneAtATime } from "./once.js";
import { createPredict } from "./predictview.js";
import { LOOK } from "./rung.js";
import { createStream } from "./streamview.js";
import { createTable } from "./table.js";
import { followButton, isLive, nameLadder, sayRebuilt } from "./titles.js";
import { createWalk } from "./walkview.js";
import { extentWords } from "./words.js";

/** @typedef {import("./model.js").Row} Row */
/** @typedef {import("./model.js").Connection} Connection */

const KEPT = 200;

/**
 * @param {ReturnType<typeof import("./load.js").packetsOf>} packets @param {(tab: HTMLElement) => void} showTab
 * @param {() => {nameOf(connection: Connection): string}} names
 */
export function mountView(packets, showTab, names) {
  const detail = createDetail(byId("packet"));
  const stream = createStream(byId("stream"));
  const table = createTable(byId("table"));
  let walk = new Walk();
  /** @type {Connection|null} */
  let shown = null;
  let mode = recall("mode", "all");
  /** @type {ReadonlySet<number>} */
  let thrown = new Set();
  let rebuilt = false;
  let calls = true;
  let look = LOOK;
  const details = createAnswers(KEPT, (n) => packets.detail(/** @type {Connection} */ (shown).id, n));

  const ladder = createLadder(byId("ladder"), followButton(), { onChoose: chose, may: (row) => row.n <= look.hiddenAfter });
  const steps = createWalk(byId("walk"), {
    at(n) {
      ladder.limit(n);
      ladder.choose(n);
      draw(false);
    },
  });
  const predict = createPredict(byId("predict"), {
    asked(n) {
      set({ hiddenAfter: n });
      ladder.choose(n);
    },
  });

  /** @param {Row|null} row @param {boolean} told */
  function chose(row, told) {
    if (!row || !shown) {
      detail.empty();
      return;
    }
    if (told && mode === "walk" && row.n !== steps.n) steps.to(row.n);
    if (told) showTab(byId("tab-packet"));
    detail.show(row, ladder.callsOf(row.n), () => details.get(row.n), look.absolute, rebuilt);
  }

  /** @param {Partial<import("./rung.js").Look>} change */
  function set(change) {
    look = { ...look, ...change };
    ladder.show(change);
    draw(false);
  }
  /** @param {boolean} [lines] whether the ladder has other lines */
  function draw(lines = true) {
    if (lines) {
      const items = itemsOf(walk.rows, calls ? walk.calls : onlyLost(walk.calls));
      thrown = thrownOf(items);
      ladder.update(items, walk.rows);
    }
    byId("ladder-card").dataset.calls = calls && walk.told.length ? "shown" : "none";
    if (!byId("table").hidden) table.update(walk.rows, look, mode === "walk" ? steps.n : Infinity);
    write(byId("extent"), shown ? extentWords(walk.rows.length, Math.max(shown.packets, walk.rows.length)) : "");
  }

  const load = oneAtATime(async () => {
    if (!shown) return;
    const [connection, into] = [shown, walk];
    try {
      const found = await packets.rows(connection.id, into, () => into === walk && came());
      if (into === walk) {
        rebuilt = found.rebuilt;
        sayRebuilt(rebuilt ? found.words : "");
        came();
      }
    } catch (problem) {
      if (into === walk) notice(words(problem));
    }
  });
  let [drawn, begun] = [-1, 0];
  function came() {
    if (drawn === walk.version) return;
    const first = drawn < 0 || drawn === 0;
    if (begun !== walk.begun) details.clear();
    [drawn, begun] = [walk.version, walk.begun];
    draw();
    steps.update(walk.rows, rebuilt, first, thrown);
    predict.update(walk.rows, first, shown);
    if (first) enter();
    follow();
  }
  function follow() {
    const id = shown?.id;
    if (id) stream.show(walk.last, () => packets.stream(id));
  }

  /** Begin what the mode is about. */
  function enter() {
    showMode(mode);
    set({ hiddenAfter: mode === "predict" && walk.rows[0]?.transport !== "udp" ? predict.open : Infinity });
    if (mode === "walk" && walk.rows.length) steps.resume();
    else ladder.limit(Infinity);
    if (mode === "predict" && ladder.chosen > look.hiddenAfter) ladder.release();
  }
  /** @param {string} next */
  function change(next) {
    mode = next;
    remember("mode", mode);
    enter();
    if (mode === "predict") predict.focus();
  }

  mountBar({
    mode: change,
    look(next) {
      set(next);
      const row = walk.rows[walk.placeOf(ladder.chosen)];
      if (row) chose(row, false);
    },
    calls(on) {
      calls = on;
      draw();
    },
    secrets(on) {
      packets.reveal(on);
      begin(shown);
    },
    below() {
      draw(false);
      follow();
    },
  });
  ladder.box.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by && mode === "walk") step(by);
  });
  /** @param {number} by */
  function step(by) {
    if (mode !== "walk") change("walk");
    else if (by > 0) steps.next();
    else steps.back();
  }
  detail.empty();
  enter();

  /** @param {Connection|null} connection */
  function begin(connection) {
    [shown, walk, drawn, rebuilt] = [connection, new Walk(), -1, connection?.source === "events"];
    details.clear();
    stream.clear();
    detail.empty();
    ladder.begin(connection, connection !== null && isLive(connection));
    steps.update([], rebuilt, true);
    predict.update([], true, connection);
    sayRebuilt("");
    nameLadder(connection, connection ? names().nameOf(connection) : "");
    draw();
    load();
  }

  return {
    show: begin,
    /** What is known of the connections has changed: there may be new rows of the one that is shown. @param {Connection[]} connections @param {boolean} told events have come: there may be calls of it */
    more(connections, told) {
      const now = connections.find(({ id }) => id === shown?.id);
      if (!now) return;
      const grown = now.packets !== shown?.packets || now.state !== shown?.state;
      shown = now;
      nameLadder(now, names().nameOf(now)); // whose it is may be told late
      if (grown || (told && now.source !== "upload")) load();
      draw(false);
    },
    mode: change, step, follow: ladder.followNow,
    /** Whether somebody is at work on this connection: then it stays, whatever comes. */
    get held() { return shown !== null && (mode !== "all" || ladder.chosen > 0); },
  };
}
