/** Pages without a part of their own: join, errors. */

import { readPage } from "../page.js";
import { mountRail } from "../rail.js";
import { mountShell, showLink } from "../shell.js";

mountShell();
if (readPage().me) {
  const rail = mountRail();
  const { connect } = await import("../live.js");
  connect({ onLink: (link) => showLink(link), onOverview: rail });
}
