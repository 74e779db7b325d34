/** What to do while nothing has come yet. Pure. */

import { machine, reachable } from "../../reach.js";

/** A terminal's command that asks through this proxy. @param {string} proxy its address @param {string} url */
export function curlWords(proxy, url) {
  return `curl -x http://${proxy} ${url}`;
}

/** @param {import("../../keep.js").PageState} state @param {import("../../types.js").Page} page */
export function emptyWords({ instance }, page) {
  if (instance?.state !== "running") return page.me?.role === "teacher" ? "No requests yet. Start the proxy, then fetch something through it." : "No requests yet, and the proxy is not running.";
  const proxy = reachable(instance.address, machine(page, location.hostname));
  return `No requests yet: press the button above, set ${proxy} as your browser's HTTP proxy, or run this in a terminal, with an address of a web lab's server: ${curlWords(proxy, "http://127.0.0.1:6789/")}`;
}
