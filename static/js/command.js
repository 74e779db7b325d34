/** The words of a command line and of the request's button. Pure. */

/** @typedef {import("./types.js").Field} Field */

/** What stands in a secret's place. */
const MASK = "•••";

/**
 * The client's command line with what the form says: only what differs from the default.
 * @param {string} base @param {Field[]} fields @param {Record<string, any>} values
 */
export function commandLine(base, fields, values) {
  const words = [base];
  /** @type {string[]} */
  const last = [];
  for (const field of fields) {
    const value = values[field.name];
    if (field.secret && value && value !== field.default && !field.plain?.includes(value)) {
      words.push(`--${field.name.replaceAll("_", "-")}`, quote(MASK));
      continue;
    }
    if (field.positional && value !== "" && value !== null && value !== undefined) {
      const text = String(value);
      (text.startsWith("-") ? last : words).push(quote(text));
      continue;
    }
    if (value === field.default || value === null || value === undefined || value === "") continue;
    const long = `--${field.name.replaceAll("_", "-")}`;
    if (field.type === "flag") words.push(value ? long : `--no-${long.slice(2)}`);
    else if (String(value).startsWith("-")) words.push(`${long}=${quote(String(value))}`);
    else words.push(field.flags?.[0] ?? long, quote(String(value)));
  }
  return (last.length ? [...words, "--", ...last] : words).join(" ");
}

/** A word as a POSIX shell reads it back; line breaks stand in the quotes as they are. @param {string} word */
function quote(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** «Send {count} pings» with the values put in, a single one without its plural s; «Play{by_hand: alone}» with the words where that is ticked. @param {string} text @param {Record<string, any>} values */
export function filled(text, values) {
  const said = text.replace(/\{(\w+):([^{}]*)\}/g, (_, name, words) => (values[name] ? words : ""));
  return said.replace(/\{(\w+)\}( \w+s\b)?/g, (_, name, noun = "") => {
    const value = values[name] ?? "";
    return `${value}${value === 1 ? noun.slice(0, -1) : noun}`;
  });
}

/** Why a request cannot be sent now; "" if it can. @param {string} state @param {boolean} teacher */
export function whyNot(state, teacher) {
  switch (state) {
    case "running":
      return "";
    case "starting":
    case "backoff":
      return "The server is about to start.";
    case "stopping":
      return "The server is stopping.";
    case "failed":
      return teacher ? "The server has failed: see above." : "The server has failed. The teacher can start it again.";
    default:
      return teacher ? "The server is stopped. Start it first." : "The server is stopped. The teacher can start it.";
  }
}

/** Whether a request is this person's. @param {import("./types.js").Request} request @param {{me: import("./types.js").Person|null}} page */
export function isMine(request, page) {
  return Boolean(request.mine) || request.person_id === page.me?.id;
}

/** Whether a request was made by this page's form: the server's page has one, each tool's page another. @param {import("./types.js").Request} request @param {{tool?: {name: string}}} page */
export function madeHere(request, page) {
  return (request.tool ?? "") === (page.tool?.name ?? "");
}

/** Whether a request waits or runs. @param {import("./types.js").Request} request */
export function isOpen(request) {
  return request.state === "queued" || request.state === "running";
}
