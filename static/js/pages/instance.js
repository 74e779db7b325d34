/** A server's page: everything of one instance. */

import { mountActions, mountData } from "../calls.js";
import { arm, byId } from "../dom.js";
import { mountHead } from "../head.js";
import { createStore } from "../keep.js";
import { connect } from "../live.js";
import { isTeacher, readPage } from "../page.js";
import { mountRail } from "../rail.js";
import { ratesPicture } from "../rates.js";
import { mountReading } from "../reading.js";
import { mountRibbon } from "../ribbon/ribbon.js";
import { mountRuns } from "../runs.js";
import { mountSettings } from "../settings.js";
import { addKeys, mountShell, showLink } from "../shell.js";
import { mountTiles } from "../tiles.js";
import { mountTraffic } from "../traffic.js";
import { mountTry } from "../tryit.js";

const page = readPage();
const lab = /** @type {import("../types.js").Lab} */ (page.lab);
const instance = /** @type {import("../types.js").Instance} */ (page.instance);
const store = createStore(instance);
const teacher = isTeacher(page);

mountShell();
const rail = mountRail(instance.id);
mountHead(byId("head"), store, page);
mountSettings(byId("settings-card"), store, lab, teacher);
mountRuns(/** @type {HTMLDetailsElement} */ (byId("runs")), store, lab);

/*
 * A lab that draws for itself brings picture() and, if it likes, tiles(), resultSummary(), resultDetails(), sessionAnswer(), columns, and handles:
 * the names of the queries and actions that its picture has, so that the page does not have them again.
 * A TCP lab that does not has the byte stream for its picture; one that does has that, too, in a card of its own.
 * What picture() returns may have overview(): it is called with all instances, whenever one of them changes.
 */
const own = lab.view.picture ? await import(`../labs/${lab.name}.js`) : {};
const tcp = lab.transport === "tcp";
const handle = tcp && !own.picture ? {} : ((own.picture ?? ratesPicture)(byId("picture"), store, page) ?? {});
const ribbon = tcp ? mountRibbon(byId(lab.view.picture ? "stream" : "picture"), store, page) : null;
mountTiles(byId("tiles"), store, lab, own.tiles && ((/** @type {any} */ state) => own.tiles(state, handle)));
const trying = mountTry(byId("try"), store, page, { ...handle, resultSummary: own.resultSummary, resultDetails: own.resultDetails, sessionAnswer: own.sessionAnswer, columns: own.columns });
ribbon?.predict(trying);
const read = mountData(document.getElementById("lab-data"), store, page, own.handles ?? []);
mountActions(document.getElementById("lab-actions"), store, page, read, own.handles ?? []);
const traffic = mountTraffic(byId("traffic"), store, page);
mountReading(byId("reading"));

const pause = () => store.dispatch({ type: "pause", paused: !store.state.paused });
addKeys(
  { key: "s", does: "Send the test request", run: () => trying.send() },
  { key: "p", does: "Pause or resume chart and log", run: pause },
  { key: "/", does: "Filter the traffic", run: () => traffic.focusFilter() },
  { key: "f", does: "Follow the newest traffic", run: () => traffic.follow() },
  { key: "↑ ↓", does: "In the traffic: the event before or after, with its bytes" },
  ...(ribbon ? [{ key: "← →", does: "In the byte stream: the call before or after; + − zoom, 0 shows all" }] : []),
  { key: "Esc", does: "Close details, a dialog, the menu" },
  { key: "drag", does: "In a chart: zoom; a double click shows all again" },
);
store.subscribe((state) => showLink(state.link, state.paused));
arm();
connect({
  instance: instance.id, store, onLink: (link) => showLink(link, store.state.paused),
  onOverview(instances) {
    rail(instances);
    handle.overview?.(instances);
  },
});
