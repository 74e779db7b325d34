/** What the page asks the dashboard for packets. */

import { ApiError, call } from "../api.js";
import { connectionOf } from "./model.js";
import { pieceOf } from "./stream.js";
import { fieldOf } from "./ruler.js";

/** @typedef {import("./model.js").Connection} Connection */
/** @typedef {{name: string, works: boolean, words: string, better: string, caveat?: string}} Way a way of capturing, or the two that always work: upload, events */
/**
 * @typedef {{capturing: boolean, possible: boolean, reading: boolean, words: string, trouble: string, ways: Way[], packets: number, bytes: number, dropped: number, full: boolean,
 *   uploads: {id: string, name: string, packets: number, others: number, troubles: string[]}[], connections: Connection[]}} Status
 */

const PAGE = 2000;

/** @param {string} instance */
export function packetsOf(instance) {
  const base = `/instances/${instance}/packets`;
  let clear = false;
  const revealed = () => (clear ? "reveal=1" : "");
  return {
    /** Whether secrets are to be shown: the teacher's only. @param {boolean} on */
    reveal(on) {
      clear = on;
    },
    /** @returns {Promise<Status>} */
    status: async () => statusOf(await call("GET", base)),
    /** @param {boolean} on */
    capture: async (on) => statusOf(await call("POST", `${base}/capture`, { on })),
    clear: () => call("DELETE", base),
    /** @param {string} id */
    forget: (id) => call("DELETE", `${base}/uploads/${id}`),
    /** @param {File} file */
    upload: (file) => send(`/api/v1${base}/upload?name=${encodeURIComponent(file.name)}`, file),
    /**
     * What is new of a connection's rows, page after page. `more` says that there are others, beyond what a page can bear.
     * @param {string} id @param {import("./model.js").Walk} walk @param {() => void} came called after each page
     */
    async rows(id, walk, came) {
      for (;;) {
        const page = await call("GET", `${base}/${encodeURIComponent(id)}?after=${walk.last}&limit=${PAGE}&given=${walk.given}&${revealed()}`);
        const before = page.anew ? 0 : walk.last;
        walk.add(page);
        came();
        if (!page.more || walk.full || walk.last === before) return { words: page.words ?? "", rebuilt: Boolean(page.rebuilt), more: Boolean(page.more), connection: connectionOf(page.connection) };
      }
    },
    /** @param {string} id @param {number} n */
    async detail(id, n) {
      const found = await call("GET", `${base}/${encodeURIComponent(id)}/rows/${n}?${revealed()}`);
      return { fields: (found.fields ?? []).map(fieldOf), data: /** @type {string} */ (found.data ?? ""), row: found.row };
    },
    /** @param {string} id */
    async stream(id) {
      const found = await call("GET", `${base}/${encodeURIComponent(id)}/stream?${revealed()}`);
      return { pieces: (found.pieces ?? []).map(pieceOf), cut: found.cut };
    },
  };
}

/** @param {any} raw @returns {Status} */
function statusOf(raw) {
  return { ways: [], packets: 0, bytes: 0, dropped: 0, full: false, capturing: false, possible: false, reading: false, words: "", trouble: "", ...raw, uploads: raw.uploads ?? [], connections: (raw.connections ?? []).map(connectionOf) };
}

/** A file as it is. @param {string} path @param {File} file */
async function send(path, file) {
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
  const headers = { Accept: "application/json", "X-CSRFToken": token, "Content-Type": "application/octet-stream" };
  const response = await fetch(path, { method: "POST", headers, body: file }).catch(() => null);
  if (!response) throw new ApiError(0, { error: { message: "The file did not arrive: the dashboard does not answer, or ended the upload.", hint: "At most 64 MB." } });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, answer);
  return answer;
}
