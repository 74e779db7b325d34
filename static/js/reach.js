/** Where other machines reach a server that listens on every address of this one. Pure. */

/** @typedef {import("./types.js").Page} Page */

const EVERYWHERE = /^(0\.0\.0\.0|\[::\])(?=:\d+$)/;

/**
 * The machine's name for the class: that of the class link, or the one this page was opened by.
 * @param {{class_link?: string, class_mode?: boolean}} page @param {string} opened location.hostname
 */
export function machine(page, opened) {
  return page.class_mode && page.class_link ? new URL(page.class_link).hostname : opened;
}

/** The address to connect to. @param {string} address as the server listens @param {string} host */
export function reachable(address, host) {
  return address.replace(EVERYWHERE, host);
}

/**
 * The client's command line as another machine needs it.
 * @param {string} command @param {string} address as the server listens @param {string} host
 */
export function reachableCommand(command, address, host) {
  return EVERYWHERE.test(address) ? command.replace(/ (127\.0\.0\.1|::1) /, ` ${host.replace(/^\[|\]$/g, "")} `) : command;
}

/**
 * How a first client comes to a server that waits for one: «run this in a terminal: …».
 * @param {{client_command: string, address: string}} instance @param {Page} page @param {string} opened location.hostname
 */
export function inTerminal({ client_command: command, address }, page, opened) {
  return `run this in a terminal: ${reachableCommand(command, address, machine(page, opened))}`;
}
