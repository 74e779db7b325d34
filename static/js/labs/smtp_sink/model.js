/** The connections to the SMTP server and what was said on each, as its events tell it. Pure. */

import { decode } from "../../hex.js";

/** @typedef {import("../../types.js").Event} Event */
/**
 * @typedef {{verbs: Record<string, string>, keywords: Record<string, string>, codes: Record<string, string>, replies: Record<string, string>}} Meanings `replies` by «RCPT 250»
 * @typedef {{t: number, side: "client"|"server"|"data"|"note", text: string, verb: string, code: number, decoded: string,
 *   fault: boolean, tls: boolean, last: boolean, event: Event}} Said `last`: the last line of a reply
 * @typedef {{key: string, name: string, peer: string, request: string, opened: number, closed: number|null, reason: string, tls: boolean,
 *   said: Said[], left: number}} Conn
 */

export const CONNECTIONS = 100;
export const LINES = 500;

/** The newest connections of one server. */
export class Model {
  /** @type {Map<string, Conn>} */
  #named = new Map();
  /** @type {Conn[]} in the order in which they were opened */
  connections = [];
  #opened = 0;

  clear() {
    this.#named.clear();
    this.connections = [];
  }

  /** @param {Event[]} events */
  add(events) {
    for (const event of events) this.#take(event);
    const over = this.connections.length - CONNECTIONS;
    if (over > 0) for (const conn of this.connections.splice(0, over)) if (this.#named.get(conn.name) === conn) this.#named.delete(conn.name);
  }

  /** @param {Event} event */
  #take(event) {
    if (event.conn?.startsWith("client-")) return; // the other end of a connection that the server tells
    switch (event.kind) {
      case "connection_opened":
        this.#open(event);
        break;
      case "connection_closed": {
        const conn = this.#conn(event);
        conn.closed = event.t;
        conn.reason = event.reason ?? "";
        break;
      }
      case "smtp_command":
        this.#say(event, { side: "client", text: event.shown ?? "" });
        break;
      case "smtp_reply": {
        const lines = replyLines(event);
        lines.forEach((text, place) => this.#say(event, { side: "server", text, last: place === lines.length - 1 }));
        break;
      }
      case "smtp_data":
        this.#say(event, { side: "data", text: "" });
        break;
      case "message_stored":
        this.#say(event, { side: "note", text: `On disk: ${event.size} bytes for ${(event.recipients ?? []).join(", ")}.` });
        break;
      case "tls_started":
        this.#conn(event).tls = true;
        this.#say(event, { side: "note", text: `Encrypted from here on: ${event.version}, ${event.cipher}.`, tls: true });
        break;
      case "fault_hit":
        this.#say(event, { side: "note", text: `fault: ${event.fault}`, fault: true });
        break;
      default:
    }
  }

  /** @param {Event} event @param {Partial<Said>} more */
  #say(event, more) {
    const conn = this.#conn(event);
    const { t, verb = "", code = 0, decoded = "", fault = false, tls = false } = event;
    conn.said.push({ t, side: "note", text: "", verb, code, decoded, fault: fault === true, tls, last: true, event, ...more });
    if (conn.said.length > LINES) conn.left += conn.said.splice(0, conn.said.length - LINES).length;
  }

  /** @param {Event} event @returns {Conn} */
  #open(event) {
    this.#opened += 1;
    const conn = { key: `k${this.#opened}`, name: event.conn ?? "", peer: event.peer ?? "", request: event.request ?? "", opened: event.t, closed: null, reason: "", tls: false, said: [], left: 0 };
    this.#named.set(conn.name, conn);
    this.connections.push(conn);
    return conn;
  }

  /** The connection of an event; made if its opening was left out. @param {Event} event */
  #conn(event) {
    const known = this.#named.get(event.conn ?? "");
    return known && known.peer === event.peer && known.closed === null ? known : this.#open(event);
  }
}

/** A reply's lines as they were on the wire. @param {Event} event @returns {string[]} */
export function replyLines(event) {
  const lines = event.lines?.length ? event.lines : [""];
  const more = event.enhanced ? `${event.enhanced} ` : "";
  return lines.map((/** @type {string} */ line, /** @type {number} */ place) => `${event.code}${place < lines.length - 1 ? "-" : " "}${more}${line}`);
}

/** What a line means, in a sentence. @param {Said} said @param {Meanings|null} meanings */
export function meaningOf(said, meanings) {
  if (!meanings) return "";
  if (said.side === "client") {
    const typed = said.text.split(" ", 1)[0].toUpperCase();
    if (said.verb === "AUTH" && typed !== "AUTH") return "A line of the log-in, in base64.";
    if (!said.text) return "An empty line is no command.";
    return meanings.verbs[said.verb] ?? "The server knows no such command.";
  }
  if (said.side === "data") return "The message itself. Its end is a line with a dot alone.";
  if (said.side !== "server") return "";
  if (said.verb === "EHLO" && said.code === 250) {
    const keyword = said.text.slice(4).replace(/^\d\.\d+\.\d+ /, "").split(/[ =]/, 1)[0].toUpperCase();
    const known = meanings.keywords[keyword];
    if (known) return `Announced: ${known}.`;
  }
  return said.last ? (meanings.replies[`${said.verb.toUpperCase()} ${said.code}`] ?? meanings.codes[String(said.code)] ?? classOf(said.code)) : "More of the reply follows: a hyphen stands behind the code.";
}

/** @param {number} code */
function classOf(code) {
  const words = { 2: "It worked.", 3: "Go on.", 4: "Not now: try again later.", 5: "No: the same again would fail again." };
  return words[/** @type {2|3|4|5} */ (Math.floor(code / 100))] ?? "";
}

/** Whether the event carries all of a message's bytes. @param {{head: string, size: number}|undefined} data */
export function isWhole(data) {
  return data !== undefined && decode(data.head).length >= data.size;
}

/**
 * A message's first bytes as lines; `stuffed` ones begin with a dot that the client added, `end` is the dot alone.
 * @param {{head: string, size: number}|undefined} data @returns {{text: string, stuffed: boolean, end: boolean}[]}
 */
export function dataLines(data) {
  if (!data) return [];
  const lines = new TextDecoder().decode(decode(data.head)).split("\r\n");
  if (lines.at(-1) === "") lines.pop();
  const whole = isWhole(data);
  return lines.map((text, place) => {
    const end = text === "." && (!whole || place === lines.length - 1);
    return { text, stuffed: text.startsWith(".") && !end, end };
  });
}
