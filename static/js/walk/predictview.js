/** Predict first: the student says seq and ack of the next packet; then its numbers are shown, with the reason. */

import { el, fill, one, say, write } from "../dom.js";
import { recall, remember } from "../recall.js";
import { ackWords, answerOf, judgeAck, judgeSeq, seqWords } from "./predict.js";
import { flagWords, wayWords } from "./words.js";

/** @typedef {import("./model.js").Row} Row */
/** @typedef {{at: Record<string, number>, right: number, said: number}} Kept how far each connection was predicted, and the score: a reload does not lose it */

const KEPT = 50;

/** @param {HTMLElement} element @param {{asked: (n: number) => void}} hooks `asked`: numbers up to that packet may be shown, and it is looked at */
export function createPredict(element, { asked }) {
  const form = /** @type {HTMLFormElement} */ (one(element, "form"));
  const inputs = /** @type {HTMLInputElement[]} */ (["seq", "ack"].map((name) => one(form, `[name=${name}]`)));
  const question = one(element, ".question");
  const verdict = one(element, ".came");
  const score = one(element, ".score");
  /** @type {Row[]} */
  let rows = [];
  let at = 0;
  let name = "";
  /** @type {Kept} */
  const kept = recall("predicted", { at: {}, right: 0, said: 0 });

  function show() {
    const row = rows[at];
    const udp = rows[0]?.transport === "udp";
    form.hidden = !row || udp;
    if (udp) write(question, "Datagrams have no numbers: there is nothing to predict.");
    else if (!rows.length) write(question, "No packets yet: choose a connection, or make a request.");
    else if (!row) write(question, "That was the last packet.");
    else fill(question, el("b", {}, `Packet ${row.n}`), ` ${wayWords(row.way)}: `, el("b", {}, flagWords(row)), row.length ? `, ${row.length} bytes. ` : ", no data. ", "Which numbers does it carry?");
    write(score, kept.said ? `${kept.right} of ${kept.said} right` : "");
  }

  /** @param {Node[]} words */
  function next(words) {
    fill(verdict, ...words);
    say(verdict.textContent ?? "");
    at += 1;
    keep();
    for (const input of inputs) input.value = "";
    asked(rows[at - 1].n);
    show();
    if (rows[at]) inputs[0].focus({ preventScroll: true });
  }

  function keep() {
    delete kept.at[name]; // the newest stand last
    kept.at[name] = at;
    const names = Object.keys(kept.at);
    if (names.length > KEPT) delete kept.at[names[0]];
    remember("predicted", kept);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const row = rows[at];
    const [seq, ack] = inputs.map((input) => answerOf(input.value));
    const bad = [Number.isNaN(seq) || inputs[0].value.trim() === "", Number.isNaN(ack)];
    for (const [place, input] of inputs.entries()) input.toggleAttribute("aria-invalid", bad[place]);
    if (!row || bad[0] || bad[1]) {
      fill(verdict, el("p", {}, "Say whole numbers: seq, and ack («–» or nothing if it has none)."));
      inputs[bad[0] ? 0 : 1].focus();
      return;
    }
    const judged = [judgeSeq(rows, at, seq), judgeAck(rows, at, ack)];
    kept.right += judged.filter((each) => each.right).length;
    kept.said += 2;
    next(judged.map((each, place) => line(["seq", "ack"][place], place ? row.ack : row.seq, each.right, each.words)));
  });
  one(form, "[data-tell]").addEventListener("click", () => {
    const row = rows[at];
    if (row) next([line("seq", row.seq, null, seqWords(rows, at)), line("ack", row.ack, null, ackWords(rows, at))]);
  });

  return {
    /** @param {Row[]} packets @param {boolean} other of another connection @param {import("./model.js").Connection|null} connection whose they are */
    update(packets, other, connection) {
      rows = packets;
      if (other) {
        name = connection ? `${connection.id} ${connection.client}` : "";
        at = kept.at[name] ?? 0;
        fill(verdict);
      }
      show();
    },
    /** The newest packet whose numbers may be shown. */
    get open() { return at > 0 ? (rows[at - 1]?.n ?? 0) : 0; },
    focus: () => inputs[0].focus({ preventScroll: true }),
  };
}

/** @param {string} name @param {number|null} value @param {boolean|null} right null: it was told @param {string} why */
function line(name, value, right, why) {
  const mark = right === null ? "" : right ? "✓ " : "✕ ";
  return el("p", { "data-right": String(right) }, el("b", {}, `${mark}${name} ${value ?? "–"}`), right === null ? " " : right ? " Right. " : " Not so. ", why);
}
