/** What to do while nothing has come yet. */

import { el } from "../../dom.js";
import { machine, reachable } from "../../reach.js";

/**
 * Words, and the command that would bring something.
 * @param {import("../../keep.js").PageState} state @param {import("../../types.js").Page} page @returns {(string|Node)[]}
 */
export function startWords({ instance }, page) {
  if (instance?.state !== "running") return [page.me?.role === "teacher" ? "No requests yet. Start the proxy, then fetch something through it." : "No requests yet, and the proxy is not running."];
  const proxy = reachable(instance.address, machine(page, location.hostname));
  return [
    `No requests yet: press the button above, or set ${proxy} as your browser's HTTP proxy, or run this in a terminal, with the address of a web lab's server: `,
    el("code", {}, `curl --noproxy '' -x http://${proxy} http://127.0.0.1:6789/`),
  ];
}
