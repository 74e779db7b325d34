/** The page of a server's packets: where they come from, its connections, the ladder of one of them. */

import { words } from "../api.js";
import { arm, byId, notice, one, write } from "../dom.js";
import { createStore } from "../keep.js";
import { connect } from "../live.js";
import { isTeacher, readPage } from "../page.js";
import { mountRail } from "../rail.js";
import { mountReading } from "../reading.js";
import { addKeys, mountShell, mountTabs, showLink } from "../shell.js";
import { createConnections } from "../walk/connections.js";
import { packetsOf } from "../walk/load.js";
import { mountSource } from "../walk/source.js";
import { showEmpty } from "../walk/titles.js";
import { mountView } from "../walk/view.js";
import { mountAsk } from "../walk/walkview.js";

const SOON_MS = 250;
const page = readPage();
const instance = /** @type {import("../types.js").Instance} */ (page.instance);
const store = createStore(instance);
const teacher = isTeacher(page);
const packets = packetsOf(instance.id);

mountShell();
const rail = mountRail(instance.id);
const view = mountView(packets, mountTabs(byId("below-tabs")), () => connections);
const connections = createConnections(
  { list: byId("connections"), filter: /** @type {HTMLInputElement} */ (byId("connections-filter")), newest: /** @type {HTMLButtonElement} */ (byId("newest")), count: byId("connections-count"), held: () => view.held },
  (connection) => {
    view.show(connection);
    if (connection && !connections.followed) history.replaceState(null, "", `#${connection.id}`);
  },
);
const source = mountSource(byId("source"), packets, {
  teacher, came: take, again: look,
  uploaded(id) {
    const first = connections.all.find((connection) => connection.id.startsWith(`${id}-`));
    if (first) connections.choose(first.id);
  },
});

/** @param {import("../walk/load.js").Status} status */
function take(status) {
  source.show(status);
  connections.update(status.connections, new Map(status.uploads.map(({ id, name }) => [id, name])));
  showEmpty(status.connections.length, store.state.instance, teacher);
  view.more(status.connections, heard);
  heard = false;
  if (status.reading) soon();
}

let asked = 0;
let heard = false;
let failed = false;
/** @type {Promise<any>|null} */
let under = null;
/** Ask what there is now; the connections. */
async function look() {
  under ??= packets.status().finally(() => { under = null; });
  try {
    take(await under);
    if (failed) notice("");
    failed = false;
  } catch (problem) {
    notice(words(problem));
    failed = true;
  }
  return connections.all;
}
function soon() {
  asked ||= window.setTimeout(() => {
    asked = 0;
    look();
  }, SOON_MS);
}

const asking = mountAsk(/** @type {HTMLButtonElement} */ (byId("ask")), store, {
  teacher, base: `/instances/${instance.id}`, look,
  async before() {
    const status = source.status;
    if (teacher && status && !status.capturing && !status.full && status.possible) take(await packets.capture(true));
  },
  found(id) {
    connections.choose(id);
    view.mode("walk");
    byId("ladder-card").scrollIntoView({ block: "start" });
  },
  told: (text) => write(byId("ask-words"), text),
});

addKeys(
  { key: "s", does: "Make a request and walk it", run: asking.run },
  { key: "/", does: "Filter the connections", run: () => byId("connections-filter").focus() },
  { key: "n", does: "One by one: the next packet", run: () => view.step(1) },
  { key: "p", does: "One by one: the packet before", run: () => view.step(-1) },
  { key: "f", does: "Follow the newest packets", run: view.follow },
  { key: "↑ ↓", does: "In the ladder: the packet before or after, with its fields" },
  { key: "← → ↑ ↓", does: "In the frame’s bytes: from byte to byte, with its field" },
  { key: "Esc", does: "Give up the chosen packet" },
);
store.subscribe((state, change) => {
  showLink(state.link, state.paused);
  const marks = change.events.some((event) => /^(connection|datagram|data)_/.test(event.kind));
  heard ||= marks;
  if (marks || change.type === "snapshot") soon();
  if (change.type !== "state" && change.type !== "snapshot") return;
  const now = state.instance?.state ?? "stopped";
  for (const place of [byId("state"), one(byId("state"), ".dot")]) place.dataset.state = now;
  write(one(byId("state"), "span"), now);
  write(byId("address"), state.instance?.address ?? "");
});
mountReading(byId("lesson-card"));
if (location.hash.length > 1) connections.want(decodeURIComponent(location.hash.slice(1)));
arm();
look();
connect({ instance: instance.id, store, onOverview: rail, onLink: (link) => showLink(link, store.state.paused), onPackets: soon });
