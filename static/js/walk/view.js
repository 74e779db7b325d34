/** One connection in full: its ladder, what is shown of it and how, the packet, the stream and the table below. */

import { words } from "../api.js";
import { byId, notice, write } from "../dom.js";
import { recall, remember } from "../recall.js";
import { mountBar, showMode } from "./bar.js";
import { createDetail } from "./detail.js";
import { itemsOf, onlyLost, thrownOf } from "./joins.js";
import { createLadder } from "./ladder.js";
import { Walk } from "./model.js";
import { createPredict } from "./predictview.js";
import { createStream } from "./streamview.js";
import { createTable } from "./table.js";
import { followButton, isLive, nameLadder } from "./titles.js";
import { createWalk } from "./walkview.js";
import { extentWords } from "./words.js";

/** @typedef {import("./model.js").Row} Row */
/** @typedef {import("./model.js").Connection} Connection */

const KEPT = 200;
const POINT = "Choose a packet in the ladder: its fields, bit by bit, and its bytes.";

/**
 * @param {ReturnType<typeof import("./load.js").packetsOf>} packets @param {(tab: HTMLElement) => void} showTab
 * @param {() => {nameOf(connection: Connection): string}} names
 */
export function mountView(packets, showTab, names) {
  const detail = createDetail(byId("packet"));
  const stream = createStream(byId("stream"));
  const table = createTable(byId("table"));
  const strips = { walk: byId("walk"), predict: byId("predict") };
  let walk = new Walk();
  /** @type {Connection|null} */
  let shown = null;
  let mode = recall("mode", "all");
  /** @type {ReadonlySet<number>} */
  let thrown = new Set();
  let rebuilt = false;
  let calls = true;
  let loading = false;
  let again = false;
  let streamAt = -1;
  /** @type {import("./rung.js").Look} */
  let look = { absolute: false, since: "first", hiddenAfter: Infinity };
  /** @type {Map<number, Promise<{fields: import("./ruler.js").Field[], data: string}>>} */
  const details = new Map();

  const ladder = createLadder(byId("ladder"), followButton(), { onChoose: chose, may: (row) => row.n <= look.hiddenAfter });
  const steps = createWalk(strips.walk, {
    at(n) {
      ladder.limit(n);
      ladder.choose(n);
      draw(false);
    },
  });
  const predict = createPredict(strips.predict, {
    asked(n) {
      set({ hiddenAfter: n });
      ladder.choose(n);
    },
  });

  /** @param {Row|null} row @param {boolean} told */
  function chose(row, told) {
    if (!row || !shown) {
      detail.empty(POINT);
      return;
    }
    if (told && mode === "walk" && row.n !== steps.n) steps.to(row.n);
    const { id } = shown;
    if (!details.has(row.n)) {
      const found = packets.detail(id, row.n);
      details.set(row.n, found);
      found.catch(() => details.delete(row.n));
      if (details.size > KEPT) details.delete(/** @type {number} */ (details.keys().next().value));
    }
    if (told) showTab(byId("tab-packet"));
    detail.show(row, ladder.callsOf(row.n), () => /** @type {Promise<any>} */ (details.get(row.n)), look.absolute, rebuilt);
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

  async function load() {
    if (!shown) return;
    if (loading) {
      again = true;
      return;
    }
    const [connection, into] = [shown, walk];
    loading = true;
    try {
      const found = await packets.rows(connection.id, into, () => into === walk && came());
      if (into === walk) {
        rebuilt = found.rebuilt;
        byId("rebuilt").hidden = !found.words || !rebuilt;
        write(byId("rebuilt"), rebuilt ? found.words : "");
        came();
      }
    } catch (problem) {
      if (into === walk) notice(words(problem));
    }
    loading = false;
    if (again || into !== walk) {
      again = false;
      load();
    }
  }
  let drawn = -1;
  let begun = 0;
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
    if (byId("stream").hidden || !shown || streamAt === walk.last) return;
    streamAt = walk.last;
    const { id } = shown;
    stream.show(() => packets.stream(id));
  }

  /** Begin what the mode is about. */
  function enter() {
    strips.walk.hidden = mode !== "walk";
    strips.predict.hidden = mode !== "predict";
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
  detail.empty(POINT);
  enter();

  /** @param {Connection|null} connection */
  function begin(connection) {
    [shown, walk, drawn, streamAt, rebuilt] = [connection, new Walk(), -1, -1, connection?.source === "events"];
    details.clear();
    stream.clear();
    detail.empty(POINT);
    ladder.begin(connection, connection !== null && isLive(connection));
    steps.update([], rebuilt, true);
    predict.update([], true, connection);
    byId("rebuilt").hidden = true;
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
