/** Header fields as the RFCs draw them: 32 bits in a line. And which field a byte belongs to. Pure. */

/**
 * @typedef {{layer: string, name: string, bit: number, bits: number, value: string, meaning: string, purpose: string, source: string}} Field
 * @typedef {{place: number, line: number, column: number, width: number, height: number, named: boolean}} Cell
 *   `place` is the field's in the list, -1: bits that no field names. `column` from 0; `height` in lines; `named`: it has the name, further cells of a field have not
 * @typedef {{name: string, bit: number, bytes: number, lines: number, cells: Cell[]}} Layer
 */

const WIDE = 32;
/** A field with more lines than this is drawn as one line: it is data, and the bytes beside show it. */
const MOST_LINES = 4;

/** @param {Record<string, any>} raw @returns {Field} */
export function fieldOf(raw) {
  return /** @type {any} */ ({ meaning: "", purpose: "", source: "", ...raw });
}

/** @param {Field[]} fields @returns {Layer[]} */
export function layersOf(fields) {
  /** @type {Map<string, number[]>} */
  const places = new Map();
  for (const [place, field] of fields.entries()) places.set(field.layer, [...(places.get(field.layer) ?? []), place]);
  return [...places].map(([name, list]) => layer(name, list, fields));
}

/** Whether a field is only the frame of finer ones, as the flags' byte is of its bits. @param {Field[]} fields @param {number} place @param {number[]} list */
function isParent(fields, place, list) {
  const { bit, bits } = fields[place];
  return list.some((other) => {
    const inner = fields[other];
    return other !== place && inner.bit >= bit && inner.bit + inner.bits <= bit + bits && inner.bits < bits;
  });
}

/** @param {string} name @param {number[]} list places of its fields @param {Field[]} fields @returns {Layer} */
function layer(name, list, fields) {
  const sorted = list.filter((place) => !isParent(fields, place, list)).sort((a, b) => fields[a].bit - fields[b].bit);
  const start = Math.min(...list.map((place) => fields[place].bit));
  const end = Math.max(...sorted.map((place) => fields[place].bit + fields[place].bits));
  /** @type {Cell[]} */
  const cells = [];
  let at = 0; // bits drawn
  let spared = 0; // lines that a long field does not take
  for (const place of sorted) {
    const from = fields[place].bit - start;
    if (from < at) continue; // laid over another: the table has it
    if (from > at) draw(cells, -1, at, from, spared);
    const to = from + fields[place].bits;
    spared += draw(cells, place, from, to, spared);
    at = to;
  }
  const lines = Math.max(...cells.map((cell) => cell.line + cell.height), 0);
  return { name, bit: start, bytes: (end - start) / 8, lines, cells };
}

/** Draw the bits [from, to); the lines that were spared. @param {Cell[]} cells @param {number} place @param {number} from @param {number} to @param {number} spared */
function draw(cells, place, from, to, spared) {
  const first = Math.floor(from / WIDE);
  const last = Math.floor((to - 1) / WIDE);
  if (last === first || (from % WIDE === 0 && to % WIDE === 0 && last - first < MOST_LINES)) {
    const width = last === first ? to - from : WIDE;
    cells.push({ place, line: first - spared, column: from % WIDE, width, height: last - first + 1, named: true });
    return 0;
  }
  const skipped = Math.max(0, last - first - MOST_LINES + 1);
  const lines = [];
  for (let line = first; line <= last; line += 1) if (line - first < MOST_LINES - 1 || line === last) lines.push(line);
  const widths = lines.map((line) => Math.min(to, (line + 1) * WIDE) - Math.max(from, line * WIDE));
  const widest = widths.indexOf(Math.max(...widths));
  for (const [order, line] of lines.entries()) {
    const column = Math.max(from, line * WIDE) % WIDE;
    cells.push({ place, line: first + order - spared, column, width: widths[order], height: 1, named: order === widest });
  }
  return skipped;
}

/** The bytes that a field is in: [first, behind the last]. @param {Field} field @returns {[number, number]} */
export function bytesOf({ bit, bits }) {
  return [Math.floor(bit / 8), Math.floor((bit + Math.max(bits, 1) - 1) / 8) + 1];
}

/** The place of the smallest field that has this byte, of whole bytes if there is one; -1 if none. @param {Field[]} fields @param {number} byte */
export function fieldAt(fields, byte) {
  const here = [...fields.keys()].filter((place) => bytesOf(fields[place])[0] <= byte && byte < bytesOf(fields[place])[1]);
  const whole = here.filter((place) => fields[place].bits >= 8);
  const from = whole.length ? whole : here;
  return from.reduce((best, place) => (best < 0 || fields[place].bits < fields[best].bits ? place : best), -1);
}

/** «bits 96 to 111 of the header (16 bits)» @param {Field} field @param {number} start the layer's first bit */
export function bitWords({ bit, bits }, start) {
  const from = bit - start;
  return bits === 1 ? `bit ${from}` : `bits ${from} to ${from + bits - 1} (${bits % 8 || bits < 16 ? `${bits} bits` : `${bits / 8} bytes`})`;
}
