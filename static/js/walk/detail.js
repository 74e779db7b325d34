/** One packet in full: its header fields drawn bit by bit, its bytes, and what each field is for. */

import { words } from "../api.js";
import { el, fill } from "../dom.js";
import { clock, plural } from "../format.js";
import { decode } from "../hex.js";
import { createHex } from "./hexview.js";
import { bitWords, bytesOf, fieldAt, layersOf } from "./ruler.js";
import { flagWords, markOf, timeText, wayWords } from "./words.js";

/** @typedef {import("./model.js").Row} Row */
/** @typedef {import("./ruler.js").Field} Field */

const POINT = "Choose a packet in the ladder: its fields, bit by bit, and its bytes.";

/** @param {HTMLElement} element */
export function createDetail(element) {
  let asked = 0;

  /** No packet is chosen. */
  function empty() {
    asked += 1;
    fill(element, el("p", { class: "empty" }, POINT));
  }

  /** @param {Row} row @param {{side: string, words: string}[]} calls @param {() => Promise<{fields: Field[], data: string}>} load @param {boolean} absolute @param {boolean} rebuilt */
  async function show(row, calls, load, absolute, rebuilt) {
    const mine = (asked += 1);
    const top = heading(row, calls, absolute, rebuilt);
    const body = el("div", { class: "packetbody", "aria-busy": "true" }, ...(element.querySelector(".packetbody")?.childNodes ?? []));
    fill(element, top, body);
    try {
      const { fields, data } = await load();
      if (mine !== asked) return;
      body.removeAttribute("aria-busy");
      if (fields.length) fill(body, rebuilt && el("p", { class: "madeup" }, "This frame was made up from socket calls: addresses, ports, flags, relative numbers and payload are known, all else only fills the header. Capture to see the real one."), ...fieldsView(fields, decode(data)));
      else fill(body, el("p", { class: "empty" }, "There is no frame: the lab threw this datagram away before it left."));
    } catch (problem) {
      if (mine === asked) fill(body, el("p", { class: "error" }, words(problem)));
    }
  }
  return { empty, show };
}

/** @param {Row} row @param {{side: string, words: string}[]} calls @param {boolean} absolute @param {boolean} rebuilt its numbers on the wire are not known */
function heading(row, calls, absolute, rebuilt) {
  const both = (/** @type {number} */ relative, /** @type {number} */ raw) => (rebuilt ? String(relative) : absolute ? `${raw} (relative ${relative})` : `${relative} (on the wire ${raw})`);
  const facts = /** @type {[string, string][]} */ ([
    ["Time", `${timeText(row.after)} since the first, ${timeText(row.gap)} since the one before · ${clock(row.t)}`],
    ...(row.transport === "tcp" ? [["Sequence number", both(row.seq, row.raw_seq)], ["Acknowledges", row.ack === null ? "nothing" : both(row.ack, row.raw_ack)], ["Next will be", String(row.next_seq)]] : []),
    ["Payload", plural(row.length, "byte")],
    ...(row.window === null ? [] : [["Window", plural(row.window, "byte")]]),
    ...calls.map(({ side, words: said }) => [`Call of the ${side}`, said]),
    ...(row.options ? [["Options", row.options]] : []),
  ]);
  return el(
    "div", { class: "packethead", "data-way": row.way },
    el("h3", {}, `Packet ${row.n}: ${flagWords(row)} `, el("small", {}, wayWords(row.way))),
    row.marks.length > 0 && el("p", { class: "markwords" }, ...row.marks.flatMap((mark) => [el("span", { class: "mark", "data-tone": markOf(mark)[2] }, `${markOf(mark)[0]} ${markOf(mark)[1]}`), " "]), row.why),
    row.marks.length === 0 && row.why && el("p", { class: "markwords" }, row.why),
    row.message && el("p", { class: "message" }, row.message),
    el("dl", { class: "facts" }, ...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
  );
}

/** The rulers, the bytes and the words of the field that is pointed at. @param {Field[]} fields @param {Uint8Array} bytes */
function fieldsView(fields, bytes) {
  const layers = layersOf(fields);
  const starts = new Map(layers.map(({ name, bit }) => [name, bit]));
  const about = el("div", { class: "about", role: "status" });
  /** @type {Map<number, HTMLElement[]>} */
  const cells = new Map();
  let pinned = -1;
  const hex = createHex(bytes, (byte, pin) => point(byte < 0 ? pinned : fieldAt(fields, byte), pin));

  /** @param {number} place @param {boolean} [pin] */
  function point(place, pin = false) {
    if (pin) pinned = place;
    const shown = place < 0 ? pinned : place;
    for (const [other, list] of cells) for (const cell of list) cell.classList.toggle("on", other === shown);
    hex.light(shown < 0 ? null : bytesOf(fields[shown]));
    fill(about, ...(shown < 0 ? [el("p", { class: "help" }, "Point at a field or at a byte: what it is for.")] : aboutField(fields[shown], starts.get(fields[shown].layer) ?? 0)));
  }

  const rulers = layers.map((layer) => {
    const grid = el("div", { class: "ruler", role: "group", "aria-label": `${layer.name}, bit by bit` });
    for (const cell of layer.cells) {
      const field = fields[cell.place];
      const button = field
        ? el("button", { type: "button", class: "bitfield", "data-place": cell.place, tabindex: cell.named ? null : "-1", "aria-hidden": cell.named ? null : "true", "aria-label": `${field.name}: ${field.value}, ${bitWords(field, layer.bit)}`, title: `${field.name}: ${field.value}` }, cell.named && el("span", { class: "fieldname" }, cell.width < 3 ? short(field.name) : plain(field.name, cell.width)), cell.named && cell.width >= 3 && el("span", { class: "fieldvalue" }, field.value))
        : el("span", { class: "bitfield none" });
      button.style.gridColumn = `${cell.column + 1} / span ${cell.width}`;
      button.style.gridRow = `${cell.line + 2} / span ${cell.height}`;
      if (cell.width < 3) {
        button.classList.add("thin");
        button.classList.toggle("set", Boolean(field?.value) && !/^0\b/.test(field.value));
      }
      else if (cell.width < 6) button.classList.add("slim");
      if (field) cells.set(cell.place, [...(cells.get(cell.place) ?? []), button]);
      grid.append(button);
    }
    for (let bit = 0; bit < 32; bit += 1) {
      const mark = el("span", { class: "bit", "aria-hidden": "true" }, bit % 8 === 0 || bit === 31 ? bit : "·");
      mark.style.gridColumn = String(bit + 1);
      grid.append(mark);
    }
    return el("div", { class: "layer" }, el("h4", {}, layer.name, el("small", {}, ` ${plural(layer.bytes, "byte")}`)), grid);
  });
  const all = el("div", { class: "rulers" }, ...rulers);
  all.addEventListener("pointerover", (event) => point(placeOf(event)));
  all.addEventListener("pointerleave", () => point(pinned));
  all.addEventListener("focusin", (event) => point(placeOf(event)));
  all.addEventListener("click", (event) => placeOf(event) >= 0 && point(placeOf(event), true));
  point(-1);
  return [
    el("div", { class: "packetcolumns" }, all, el("div", { class: "beside" }, about, hex.element)),
    fieldsTable(fields, starts),
  ];
}

/** @param {Event} event */
function placeOf(event) {
  const cell = /** @type {HTMLElement} */ (event.target).closest("[data-place]");
  return cell instanceof HTMLElement ? Number(cell.dataset.place) : -1;
}

/** For one or two bits: as RFC 9293 has it, from the top down. @param {string} name */
function short(name) {
  if (name.length <= 4) return name;
  const words = name.split(/[^A-Za-z]+(?!t\b)/);
  return words.length > 1 ? words.map((word) => word[0]).join("").toUpperCase() : name[0];
}

/** An option's name in its cell; in a narrow one only which part of it. @param {string} name @param {number} width bits */
function plain(name, width) {
  const text = name.replace(/^Option: /, "");
  return width < 16 ? text.replace(/^.*, /, "") : text;
}

/** @param {Field} field @param {number} start */
function aboutField(field, start) {
  return [
    el("p", {}, el("b", {}, field.name), " ", el("code", {}, field.value), field.meaning && ` ${field.meaning}`),
    el("p", { class: "help" }, field.purpose, field.source && ` ${field.source}.`, ` ${field.layer}: ${bitWords(field, start)}.`),
  ];
}

/** @param {Field[]} fields @param {Map<string, number>} starts */
function fieldsTable(fields, starts) {
  const table = /** @type {HTMLDetailsElement} */ (el("details", { class: "more" }, el("summary", {}, "All fields as a table")));
  table.addEventListener("toggle", () => {
    if (!table.open || table.querySelector("table")) return;
    table.append(el("div", { class: "scroll" }, el(
      "table", { class: "grid fieldstable" },
      el("thead", {}, el("tr", {}, ...["Header", "Field", "Bits", "Value", "What it is for", "Source"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, ...fields.map((field) => el("tr", {}, el("td", {}, field.layer), el("th", { scope: "row" }, field.name), el("td", {}, bitWords(field, starts.get(field.layer) ?? 0)), el("td", {}, el("code", {}, field.value), field.meaning && ` ${field.meaning}`), el("td", { class: "wraps" }, field.purpose), el("td", {}, field.source)))),
    )));
  });
  return table;
}

