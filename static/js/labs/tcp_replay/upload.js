/** A tape from a file: sent in pieces that the dashboard takes, with progress; damaged lines are named. */

import { call, words } from "../../api.js";
import { ask } from "../../confirm.js";
import { el, fill, say, write } from "../../dom.js";
import { plural } from "../../format.js";

/** Bytes of a piece: a multiple of three, so that base64 needs no padding, and below 150 KB in base64. */
export const PIECE = 108_000;
export const MOST = 20_000_000;
const NAMED = 20;

/** The pieces of a file of that size. Pure. @param {number} size @returns {{at: number, to: number, last: boolean}[]} */
export function piecesOf(size) {
  const count = Math.max(1, Math.ceil(size / PIECE));
  return Array.from({ length: count }, (_, place) => ({ at: place * PIECE, to: Math.min(size, (place + 1) * PIECE), last: place === count - 1 }));
}

/** Bytes in base64. Pure. @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

/**
 * @param {string} path of the instance below /api/v1 @param {() => number} kept how many exchanges would be replaced
 * @param {() => void} done after an upload
 */
export function createUpload(path, kept, done) {
  const input = el("input", { type: "file", id: "tape-file", hidden: true, accept: ".jsonl,.json,.log,.txt,text/plain,application/json", "aria-label": "A tape's file" });
  const button = el("button", { type: "button", onclick: () => input.click() }, "Upload a tape…");
  const bar = el("progress", { max: "1", value: "0", hidden: true, "aria-label": "Upload" });
  const said = el("div", { class: "uploadsaid", role: "status" });
  const problem = el("p", { class: "error", role: "alert", hidden: true });

  /** @param {File} file */
  async function send(file) {
    problem.hidden = true;
    fill(said);
    if (file.size > MOST) throw new Error(`${file.name} is larger than ${MOST / 1e6} MB.`);
    const before = kept();
    if (before > 0 && !(await ask({ title: "Replace the tape?", text: `${plural(before, "exchange")} on the tape are lost for everyone; ${file.name} takes their place.`, yes: "Replace the tape" }))) return;
    bar.hidden = false;
    const bytes = new Uint8Array(await file.arrayBuffer());
    let answer = null;
    for (const { at, to, last } of piecesOf(bytes.length)) {
      ({ value: answer } = await call("POST", `${path}/actions/upload`, { data: toBase64(bytes.subarray(at, to)), at, last }));
      bar.value = bytes.length ? to / bytes.length : 1;
    }
    report(file.name, answer);
    done();
  }
  /** @param {string} name @param {any} answer */
  function report(name, answer) {
    const damaged = /** @type {string[]} */ (answer?.damaged ?? []);
    const lines = Number(answer?.damaged_count ?? damaged.length);
    say(`${name} is the tape now`);
    fill(
      said, el("p", {}, `${name} is the tape now: ${plural(Number(answer?.exchanges ?? 0), "exchange")}.`),
      damaged.length > 0 && el("p", { class: "warned" }, `${plural(lines, "line")} could not be read and ${lines === 1 ? "was" : "were"} left out:`),
      damaged.length > 0 && el("ul", {}, ...damaged.slice(0, NAMED).map((line) => el("li", {}, line)), lines > NAMED && el("li", {}, `and ${lines - NAMED} more`)),
    );
  }
  input.addEventListener("change", async () => {
    const file = input.files?.[0];
    input.value = "";
    if (!file) return;
    button.disabled = true;
    try {
      await send(file);
    } catch (error) {
      problem.hidden = false;
      write(problem, error instanceof Error && error.constructor === Error ? error.message : words(error));
    }
    bar.hidden = true;
    button.disabled = false;
  });
  return { controls: [button, input], below: el("div", { class: "uploading" }, bar, problem, said) };
}
