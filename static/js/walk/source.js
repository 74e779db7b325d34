/** Where the packets come from: the capture's switch and counters, files, exports, and the way to something better. */

import { attempt } from "../attempt.js";
import { ask } from "../confirm.js";
import { byId, el, fill, one, say, write } from "../dom.js";
import { count, plural, size } from "../format.js";

/** @typedef {import("./load.js").Status} Status */

/**
 * @param {HTMLElement} element @param {ReturnType<typeof import("./load.js").packetsOf>} packets
 * @param {{teacher: boolean, came: (status: Status) => void, uploaded: (id: string) => void, again: () => Promise<any>}} hooks
 */
export function mountSource(element, packets, { teacher, came, uploaded, again }) {
  const capture = /** @type {HTMLButtonElement|null} */ (element.querySelector("#capture"));
  const file = /** @type {HTMLInputElement|null} */ (element.querySelector("#upload"));
  const clear = /** @type {HTMLButtonElement|null} */ (element.querySelector("#clear"));
  /** @type {Status|null} */
  let status = null;
  let busy = false;
  let told = "";

  /** @param {() => Promise<any>} work */
  async function busily(work) {
    busy = true;
    show();
    await attempt(work);
    busy = false;
    show();
  }

  capture?.addEventListener("click", () => busily(async () => came(await packets.capture(!status?.capturing))));
  clear?.addEventListener("click", async () => {
    const text = "The packets that were captured of this server and the files that were uploaded are lost for everyone.";
    if (await ask({ title: "Clear all packets?", text, yes: "Clear them" })) busily(() => packets.clear().then(again));
  });
  file?.addEventListener("change", () => {
    for (const each of file.files ?? []) send(each);
    file.value = "";
  });
  /** @param {File} each */
  function send(each) {
    busily(async () => {
      const before = new Set(status?.uploads.map(({ id }) => id));
      say(`Uploading ${each.name}`);
      await packets.upload(each);
      await again();
      const fresh = status?.uploads.find(({ id }) => !before.has(id));
      if (fresh) uploaded(fresh.id);
    });
  }
  if (teacher) takeDrops(send);

  /** What is told of it. @param {Status} [next] */
  function show(next) {
    status = next ?? status;
    if (!status) return;
    const may = status.possible || status.capturing;
    if (capture) {
      capture.disabled = busy || !may;
      capture.setAttribute("aria-checked", String(status.capturing));
      capture.title = may ? "Capture the packets of this server" : "Nothing here may capture: see below";
    }
    if (clear) clear.disabled = busy || (!status.packets && !status.uploads.length);
    element.dataset.capturing = String(status.capturing);
    write(byId("capture-words"), captureWords(status, teacher));
    const [digits, unit] = size(status.bytes);
    const counters = [plural(status.packets, "packet"), `${digits} ${unit}`, `${count(status.dropped)} dropped by the kernel`];
    const line = byId("capture-counters");
    line.hidden = !status.packets && !status.capturing;
    write(line, counters.map((each) => each.replaceAll(" ", "\u00a0")).join(" · "));
    line.classList.toggle("lossy", status.dropped > 0);
    showUploads(status);
    showBetter(status);
  }

  /** @param {Status} now */
  function showUploads(now) {
    const said = JSON.stringify(now.uploads) + busy;
    if (said === told) return;
    told = said;
    fill(byId("uploads"), ...now.uploads.map((each) => {
      const troubles = /** @type {string[]} */ ([]).concat(each.troubles ?? []);
      return el("li", {}, el("b", {}, each.name), ` ${plural(each.packets, "packet")}`,
        each.others > 0 && el("span", { title: "ARP, ICMP and the like; and of a packet that IP has cut, all fragments but the first, which alone has the ports" }, `, ${count(each.others)} of them of no connection`), troubles.length > 0 && el("span", { class: "error" }, ` ${troubles.join(" ")}`),
        teacher && el("button", { type: "button", class: "quiet", disabled: busy, "aria-label": `Forget ${each.name}`, title: "Forget this file", onclick: () => busily(() => packets.forget(each.id).then(again)) }, "✕"));
    }));
  }

  return { show, get status() { return status; } };
}

/** @param {Status} status @param {boolean} teacher */
function captureWords(status, teacher) {
  const idle = status.possible && !status.capturing && !status.trouble && !status.full;
  if (!idle) return status.words;
  return `Not capturing: worked out from socket calls, which do not tell all.${teacher ? "" : " The teacher can switch the capture on."}`;
}

/** The lines that would give a better way than the best that works. @param {Status} status */
function showBetter(status) {
  const box = /** @type {HTMLDetailsElement} */ (byId("better"));
  const best = status.ways.findIndex(({ works }) => works);
  const missing = status.ways.filter((way, place) => way.better && (!way.works ? place < best : !status.possible));
  box.hidden = missing.length === 0;
  if (!status.possible && !box.dataset.opened) {
    box.dataset.opened = "yes";
    box.open = true;
  }
  const list = one(box, "ul");
  const shape = JSON.stringify(missing);
  if (list.dataset.shape === shape) return;
  list.dataset.shape = shape;
  fill(list, ...missing.map((way) => el("li", {}, el("p", {}, way.words), commandLine(way.better), way.caveat && el("p", { class: "help" }, way.caveat))));
}

/** @param {string} text */
function commandLine(text) {
  return el("span", { class: "command" }, el("code", { tabindex: "0" }, text), el("button", { type: "button", class: "copy", "data-copy-text": text, "aria-label": "Copy the command line", title: "Copy the command line" }));
}

/** A file that is dropped anywhere on the page. @param {(file: File) => void} send */
function takeDrops(send) {
  let depth = 0;
  const over = (/** @type {boolean} */ on) => document.body.toggleAttribute("data-drop", on);
  const files = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => { if (files(event)) over((depth += 1) > 0); });
  addEventListener("dragleave", (event) => { if (files(event)) over((depth -= 1) > 0); });
  addEventListener("dragover", (event) => { if (files(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    over((depth = 0) > 0);
    for (const file of event.dataTransfer?.files ?? []) send(file);
  });
}
