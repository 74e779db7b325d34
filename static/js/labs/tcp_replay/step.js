/** What came of one line of a conversation by hand: what was sent, and all that came since. */

import { el, fill } from "../../dom.js";
import { milliseconds, plural } from "../../format.js";
import { fromHex } from "./bytes.js";
import { textView } from "./sides.js";

/**
 * @typedef {import("./timeline.js").Piece} Piece
 * @typedef {{sent: Piece|null, received: Piece[], open: boolean, our_side_open: boolean, note: string}} Step as servers/tcp_replay/byhand.py tells it
 */

/** @param {HTMLElement} element @param {Step} step */
export function sessionAnswer(element, { sent, received, open, our_side_open: ours, note }) {
  fill(element, el(
    "div", { class: "step byhand" },
    sent && said(sent, "out", "Sent"), ...received.map((piece) => said(piece, "back", "Received")),
    sent && !received.length && open && el("p", { class: "help" }, "Nothing came back yet. What comes later is shown with the next line."),
    !sent && !received.length && open && el("p", { class: "help" }, "Type a line. A server that speaks first is heard in the terminal as it comes."),
    note && el("p", { class: "help" }, note),
    el("p", { class: open ? "help" : "bad" }, open ? `The connection is open${ours ? "" : ", our side is ended"}.` : "The connection is closed."),
  ));
}

/** @param {Piece} piece @param {"out"|"back"} way @param {string} word */
function said({ at_ms: at, size, hex }, way, word) {
  return el("section", { class: `side ${way}` }, el("h4", {}, `${word} ${plural(size, "byte")} at ${milliseconds(at)}`), textView(fromHex(hex)));
}
