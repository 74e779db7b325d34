/** Servers of this dashboard that can be recorded with one press: where they are, how their messages end, what to ask them. Pure. */

/** @typedef {import("../../types.js").Summary} Summary */
/**
 * @typedef {{lab: string, transport: "tcp"|"udp", framing: string, match: string, ask: string, words: string}} Kind `ask` is a text for the raw
 *   client's form; over UDP no framing is needed
 * @typedef {{id: string, lab: string, title: string, target: string, running: boolean, kind: Kind}} Source
 */

/** @type {Kind[]} */
export const KINDS = [
  { lab: "http_web", transport: "tcp", framing: "http", match: "http", ask: "GET / HTTP/1.1\nHost: localhost\nConnection: close\n\n", words: "Open the page in a browser, or send a request with the form below." },
  {
    lab: "smtp_sink", transport: "tcp", framing: "line", match: "exact",
    ask: "---\nEHLO client.example\n---\nMAIL FROM:<ana@example.org>\n---\nRCPT TO:<ben@example.org>\n---\nDATA\n---\nSubject: On the tape\n\nHello.\n.\n---\nQUIT",
    words: "Send a mail with the form below, line by line as SMTP has it.",
  },
  { lab: "udp_ping", transport: "udp", framing: "", match: "numbers", ask: "Ping 1 0.5\n---\nPing 2 1.0\n---\nPing 3 1.5", words: "Send some pings with the form below. Digits do not count, so the tape answers later ones, too." },
];

/** The address as this server reaches it, which runs on the same machine. @param {string} address */
export function targetOf(address) {
  const cut = address.lastIndexOf(":");
  const host = address.slice(0, cut);
  const near = host === "0.0.0.0" || host === "" ? "127.0.0.1" : host === "[::]" ? "[::1]" : host;
  return `${near}:${address.slice(cut + 1)}`;
}

/** Those of the instances that can be recorded so. @param {Summary[]} instances @param {string} transport of the server that records @returns {Source[]} */
export function sourcesOf(instances, transport) {
  return instances.flatMap(({ id, lab, title, state, address }) => {
    const kind = KINDS.find((entry) => entry.lab === lab && entry.transport === transport);
    return kind && address ? [{ id, lab, title, target: targetOf(address), running: state === "running", kind }] : [];
  });
}

/** What one press sets to record it. @param {Source} source */
export function recordSettings({ target, kind }) {
  return { target, ...(kind.framing ? { framing: kind.framing } : {}), match: kind.match, mode: "record" };
}

/**
 * Which of the three steps comes next: 1 record, 2 ask, 3 stop it and replay, 4 ask again.
 * @param {{settings: Record<string, any>, state: string, source: Source|null, recorded: number}} now `recorded`: exchanges with this target since it was pressed
 */
export function stepOf({ settings, state, source, recorded }) {
  if (!source || state !== "running" || settings.target !== source.target) return 1;
  if (settings.mode === "replay") return 4;
  if (settings.mode === "pass") return 1;
  return recorded > 0 ? 3 : 2;
}
