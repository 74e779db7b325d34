/** The dialogue of one connection, line by line: who said it, what it means, what base64 in it says. */

import { call, words } from "../../api.js";
import { isMine, isOpen } from "../../command.js";
import { el, fill, write } from "../../dom.js";
import { clock, count, plural } from "../../format.js";
import { personOf } from "../../people.js";
import { inTerminal } from "../../reach.js";
import { emptyLine } from "./line.js";
import { dataLines, isWhole, meaningOf, Model } from "./model.js";

/** @typedef {import("./model.js").Conn} Conn */
/** @typedef {import("./model.js").Said} Said */

const OFFERED = 30;
const SHOWN = 60;
const FOLDED = 12;

/** @param {HTMLElement} element @param {import("../../keep.js").Store} store @param {import("../../types.js").Page} page */
export function mountDialogue(element, store, page) {
  const model = new Model();
  const teacher = page.me?.role === "teacher";
  const choose = el("select", { id: "dialogue-conn", "aria-label": "Connection" });
  const follow = el("button", { type: "button", "aria-pressed": "true" }, "Follow the newest");
  const about = el("p", { class: "meta about" });
  const list = el("ol", { class: "dialogue", tabindex: "0", "aria-label": "The dialogue" });
  const empty = el("p", { class: "empty" });
  const problem = el("p", { class: "error", role: "alert", hidden: true });
  fill(element, el("div", { class: "headline" }, el("h2", {}, "Dialogue"), el("span", { class: "chosen" }, choose, follow)), about, problem, list, empty);
  /** @type {import("./model.js").Meanings|null} */
  let meanings = null;
  let following = true;
  let selected = "";
  let asked = 0;
  let drawn = "";
  /** @type {Map<string, string>} the passwords that the teacher asked for, by connection and peer */
  const revealed = new Map();
  /** @type {Set<string>} this person's requests that were heard of */
  const started = new Set();

  call("GET", `/instances/${page.instance?.id}/data/meanings`).then(({ value }) => {
    meanings = value;
    drawn = "";
    plan();
  }, () => {});

  const who = (/** @type {Conn} */ conn) => personOf(store.state, conn.peer) || conn.peer;
  const current = () => (following ? model.connections.at(-1) : model.connections.find((conn) => conn.key === selected)) ?? model.connections.at(-1);

  function plan() {
    asked ||= requestAnimationFrame(draw);
  }
  function draw() {
    asked = 0;
    const conn = current();
    empty.hidden = Boolean(conn);
    list.hidden = choose.hidden = follow.hidden = !conn;
    write(empty, emptyWords());
    follow.setAttribute("aria-pressed", String(following));
    offer(conn);
    write(about, conn ? aboutWords(conn) : "");
    if (conn) show(conn);
  }
  /** @param {Conn|undefined} conn */
  function offer(conn) {
    const newest = model.connections.slice(-OFFERED).reverse();
    if (conn && !newest.includes(conn)) newest.push(conn);
    const names = newest.map((entry) => `${entry.key} ${nameOf(entry)}`).join("\n");
    if (choose.dataset.names !== names) {
      choose.dataset.names = names;
      fill(choose, ...newest.map((entry) => el("option", { value: entry.key }, nameOf(entry))));
    }
    if (conn) choose.value = conn.key;
  }
  const nameOf = (/** @type {Conn} */ conn) => `${clock(conn.opened, 0)} ${conn.name} ${who(conn)}`;
  /** @param {Conn} conn */
  function aboutWords(conn) {
    const state = conn.closed === null ? "open" : `closed at ${clock(conn.closed, 0)}${conn.reason ? `: ${conn.reason}` : ""}`;
    return `${conn.peer} · ${state}${conn.tls ? " · encrypted" : ""}${conn.left ? ` · ${plural(conn.left, "older line")} left out` : ""}`;
  }
  /** Only what is new is added. @param {Conn} conn */
  function show(conn) {
    const bottom = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const same = drawn === `${conn.key} ${conn.left}`;
    if (!same) list.replaceChildren();
    for (const said of conn.said.slice(list.childElementCount)) list.append(row(said, conn));
    drawn = `${conn.key} ${conn.left}`;
    if (bottom || !same) list.scrollTop = list.scrollHeight;
  }
  /** @param {Said} said @param {Conn} conn */
  function row(said, conn) {
    const code = said.side === "server" ? String(Math.floor(said.code / 100)) : null;
    const line = said.side === "data" ? dataView(said) : said.text ? el("code", { class: "words" }, said.text) : emptyLine();
    const mark = { client: "→", data: "→", server: "←", note: said.fault ? "✗" : "·" }[said.side];
    const spoken = { client: "Client", data: "Client", server: "Server", note: "" }[said.side];
    return el(
      "li", { "data-side": said.side, "data-class": code, "data-fault": said.fault, title: clock(said.t) },
      el("span", { class: "mark", "aria-hidden": "true" }, mark), el("span", { class: "unseen" }, spoken),
      el("div", { class: "line" }, said.tls && el("span", { class: "lock", title: "encrypted", role: "img", "aria-label": "encrypted" }, "🔒"), line),
      el("div", { class: "meaning" }, meaningOf(said, meanings), said.decoded && el("span", { class: "decoded" }, ` Decoded: ${said.decoded}`), secret(said, conn)),
    );
  }
  /** @param {Said} said @param {Conn} conn */
  function secret(said, conn) {
    if (!teacher || said.side !== "client" || said.verb !== "AUTH" || !`${said.text}${said.decoded}`.includes("•")) return null;
    const key = `${conn.name} ${conn.peer}`;
    const known = revealed.get(key);
    if (known !== undefined) return el("span", { class: "decoded" }, ` Password: ${known}`);
    return el("button", { type: "button", class: "quiet reveal", onclick: reveal }, "Reveal the password");
  }
  async function reveal() {
    problem.hidden = true;
    try {
      const { value } = await call("POST", `/instances/${page.instance?.id}/actions/reveal`, {});
      for (const login of value) revealed.set(`${login.conn} ${login.peer}`, login.password);
      drawn = "";
      draw();
      list.focus();
    } catch (error) {
      problem.hidden = false;
      write(problem, words(error));
    }
  }
  function emptyWords() {
    const { instance } = store.state;
    if (instance?.state !== "running") return "No dialogue yet, and the server is not running.";
    return `No dialogue yet: press «Send a message», or ${inTerminal(instance, page, location.hostname)}`;
  }

  /** A request of one's own starts: its dialogue is the newest, and is what one wants to see. @param {import("../../types.js").Request} request */
  function meet(request) {
    if (!isMine(request, page) || !isOpen(request) || started.has(request.id)) return;
    started.add(request.id);
    following = true;
  }

  choose.addEventListener("change", () => {
    selected = choose.value;
    following = selected === model.connections.at(-1)?.key;
    plan();
  });
  follow.addEventListener("click", () => {
    selected = current()?.key ?? "";
    following = !following;
    plan();
  });
  store.subscribe((state, change) => {
    if (change.replaced) {
      model.clear();
      drawn = "";
    }
    model.add(change.marks);
    change.requests?.forEach(meet);
    if (!state.paused || change.type === "pause") plan();
  });
  plan();
  return model;
}

/** The message's first lines, with the dots that were added; of a long one a few, until more are asked for. @param {Said} said */
function dataView({ event }) {
  const lines = dataLines(event.data).slice(0, SHOWN + 1);
  const folded = lines.length > FOLDED + 3;
  const whole = lines.length <= SHOWN && event.size <= (event.data?.size ?? 0) && isWhole(event.data);
  const text = el("pre", {}, ...marked(lines.slice(0, folded ? FOLDED : SHOWN)), folded || whole ? "" : "…");
  const more = folded && el("button", { type: "button", class: "quiet unfold", onclick: unfold }, `Show ${whole ? `all ${lines.length} lines` : `the first ${Math.min(lines.length, SHOWN)} lines`}`);
  function unfold() {
    fill(text, ...marked(lines.slice(0, SHOWN)), whole ? "" : "…");
    text.tabIndex = -1;
    text.focus({ preventScroll: true });
    if (more) more.hidden = true;
  }
  const dots = event.stuffed ? `, ${plural(event.stuffed, "dot")} added by the client` : "";
  return el("div", { class: "words" }, text, more || null, el("span", { class: "help" }, `${count(event.size)} bytes${dots}${whole ? "" : "; the mailbox has all"}`));
}

/** @param {ReturnType<typeof dataLines>} lines */
function marked(lines) {
  return lines.flatMap(({ text, stuffed, end }) => {
    const class_ = stuffed ? "dot" : "dot end";
    const title = stuffed ? "the client added this dot: the line begins with one" : "the end of the message";
    return [stuffed || end ? el("b", { class: class_, title }, ".") : "", stuffed || end ? text.slice(1) : text, "\n"];
  });
}
