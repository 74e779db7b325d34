/** The page of a lab's tool: its picture, its form for those who may run it, its results. */

import { arm, byId, one, write } from "../dom.js";
import { createStore } from "../keep.js";
import { connect } from "../live.js";
import { readPage } from "../page.js";
import { mountRail } from "../rail.js";
import { addKeys, mountShell, showLink } from "../shell.js";
import { linesPicture } from "../toollines.js";
import { mountTry } from "../tryit.js";

const page = readPage();
const lab = /** @type {import("../types.js").Lab} */ (page.lab);
const tool = /** @type {import("../types.js").Tool} */ (page.tool);
const instance = /** @type {import("../types.js").Instance} */ (page.instance);
const store = createStore(instance);

mountShell();
const rail = mountRail(instance.id);

/* A tool that draws for itself brings picture(), and what mountTry() takes from a lab. */
const own = tool.picture ? await import(`../labs/${lab.name}/${tool.name}.js`) : {};
const handle = (own.picture ?? linesPicture)(byId("picture"), store, page) ?? {};
const trying = mountTry(byId("try"), store, page, { ...handle, resultSummary: own.resultSummary, columns: own.columns });

addKeys({ key: "p", does: "Pause or resume the picture", run: () => store.dispatch({ type: "pause", paused: !store.state.paused }) });
if (tool.may) addKeys({ key: "s", does: "Run it", run: () => trying.send() });
store.subscribe((state, change) => {
  showLink(state.link, state.paused);
  if (change.type !== "state" && change.type !== "snapshot") return;
  const now = state.instance?.state ?? "stopped";
  for (const place of [byId("state"), one(byId("state"), ".dot")]) place.dataset.state = now;
  write(one(byId("state"), "span"), now);
});
arm();
connect({ instance: instance.id, store, onOverview: rail, onLink: (link) => showLink(link, store.state.paused) });
