/** The UDP upper-case lab's picture: an arrow for each datagram between client and server, and what of it was lost. */

import { el, fill, write } from "../dom.js";
import { clock, plural } from "../format.js";
import { decode } from "../hex.js";
import { personOf } from "../people.js";
import { inTerminal } from "../reach.js";
import { Datagrams, fate } from "./udp_upper/model.js";

/** @typedef {import("../types.js").Request} Request */
/** @typedef {import("./udp_upper/model.js").Datagram} Datagram */

const ROWS = 40;
const HINT = "An arrow is a datagram: to the right what a client sent, to the left an answer. Hatched: it had no room in the buffer. Dashed: nobody has received it yet.";

/** @param {HTMLElement} element @param {import("../keep.js").Store} store @param {import("../types.js").Page} page */
export function picture(element, store, page) {
  const model = new Datagrams();
  const list = el("ol", { class: "datagrams", tabindex: "0", "aria-label": "Datagrams in the order of time, the newest last" });
  const empty = el("p", { class: "empty" });
  const readout = el("p", { class: "readout" });
  const ends = el("div", { class: "ends", "aria-hidden": "true" }, el("span", {}, "client"), el("span", {}), el("span", {}, "server"), el("span", {}));
  fill(element, el("div", { class: "headline" }, el("h2", {}, "Datagrams"), readout), empty, ends, list, el("p", { class: "help key" }, HINT));
  let asked = 0;

  function draw() {
    asked = 0;
    const rows = model.newest(ROWS);
    const below = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
    fill(list, ...rows.map((row) => (row.kind === "overflow" ? overflow(row) : datagram(row, personOf(store.state, row.peer) || row.peer))));
    if (below) list.scrollTop = list.scrollHeight;
    list.hidden = ends.hidden = rows.length === 0;
    empty.hidden = rows.length > 0;
    write(readout, store.state.paused ? "paused" : "");
    const { instance } = store.state;
    write(empty, `No datagrams yet: press the button${instance?.client_command ? `, or ${inTerminal(instance, page, location.hostname)}` : " once the server runs."}`);
  }

  store.subscribe((state, change) => {
    if (change.replaced) model.clear();
    model.add(change.marks);
    const held = state.paused && change.type !== "pause";
    if (!held && (change.marks.length || change.replaced || change.type !== "frame")) asked ||= requestAnimationFrame(draw);
  });
  draw();
  return {
    /** @param {Request} request */
    progress: (request) => {
      const sent = model.sent(request.id);
      return { done: sent, total: Number(request.arguments.count ?? 1), words: `${sent} sent` };
    },
  };
}

/** @param {Datagram} row @param {string} name */
function datagram(row, name) {
  const { size, kept, cut, state, words } = fate(row);
  const there = row.way === "to_server";
  const text = shown(row.left?.head ?? row.came?.head ?? "", kept);
  const data = [el("span", { class: "kept" }, text.kept), cut ? el("del", { class: "tail" }, text.tail || `${cut} lost`) : null];
  const line = el("i", { class: "line", "aria-hidden": "true" });
  const bar = el("span", { class: "bar" }, ...(there ? [...data, line] : [line, ...data]));
  return el("li", { class: "datagram", "data-way": row.way, "data-state": state },
    el("span", { class: "peer", title: row.peer }, name), bar,
    el("time", {}, clock(row.t)), el("span", { class: "said" }, `${there ? "→" : "←"} ${plural(size, "byte")}: ${words}`));
}

/** @param {import("./udp_upper/model.js").Overflow} row */
function overflow(row) {
  return el("li", { class: "datagram overflow" }, el("span", { class: "peer" }), el("span", { class: "bar" }, `✗ ${plural(row.lost, "datagram")} lost: the receive buffer was full`), el("time", {}, clock(row.t)), el("span", { class: "said" }, `${row.whole} in all`));
}

/** What was kept as text, and what was cut off, as far as it is known. @param {string} head @param {number} kept */
function shown(head, kept) {
  const bytes = decode(head);
  const text = (/** @type {Uint8Array} */ part) => new TextDecoder().decode(part.subarray(0, 40)).replace(/[\x00-\x1f\x7f]/g, "·") + (part.length > 40 ? "…" : "");
  return { kept: text(bytes.subarray(0, kept)), tail: text(bytes.subarray(kept)) };
}

/** The titles of the result's columns. */
export const columns = { number: "Datagram", status: "What came", sent: "Sent, bytes", reply: "Reply, bytes", lost: "Lost, bytes", ms: "After, ms", text: "Text" };

/** @param {Request} request */
export function resultSummary({ result }) {
  return result ? el("p", {}, result.summary) : null;
}
