/** The overview page. */

import { arm } from "../dom.js";
import { connect } from "../live.js";
import { mountCards, mountStarts } from "../overview.js";
import { readPage } from "../page.js";
import { mountRail } from "../rail.js";
import { mountShell, showLink } from "../shell.js";

const page = readPage();
mountShell();
/** @type {import("../types.js").Summary[]} */
let known = [];
mountStarts(page, () => known);
const rail = mountRail();
const cards = mountCards(page);
arm();
connect({
  onLink: (link) => showLink(link),
  onOverview(instances) {
    known = instances;
    rail(instances);
    cards(instances);
  },
});
