/** The dashboard's REST interface, and the errors it answers with. */

/** @typedef {{message: string, field: string, hint: string}} Fault */

/** What the dashboard refused: all wrong fields, and what it kept. */
export class ApiError extends Error {
  /**
   * @param {number} status 0: the dashboard could not be reached
   * @param {Record<string, any>} body
   */
  constructor(status, body) {
    const error = body.error ?? {};
    super(error.message ?? `The dashboard answered with status ${status}.`);
    this.status = status;
    /** @type {string} */
    this.field = error.field ?? "";
    /** @type {string} */
    this.hint = error.hint ?? "";
    /** @type {Fault[]} */
    this.faults = body.errors?.length ? body.errors : [error];
    /** @type {import("./types.js").Instance|null} an instance that was kept though it failed */
    this.instance = body.instance ?? null;
  }

  /** The message and, if there is one, what to do. */
  get words() {
    return [this.message, this.hint].filter(Boolean).join(" ");
  }
}

/**
 * Call the interface. Throws ApiError.
 * @param {string} method @param {string} path below /api/v1 @param {any} [body]
 * @returns {Promise<any>} the JSON that was answered
 */
export async function call(method, path, body) {
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json", "X-CSRFToken": token };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    const text = body === undefined ? undefined : JSON.stringify(body);
    response = await fetch(`/api/v1${path}`, { method, headers, body: text });
  } catch {
    const message = "The dashboard does not answer.";
    throw new ApiError(0, { error: { message, hint: "Is it still running in its terminal?" } });
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, answer);
  return answer;
}

/** What to tell of any error. @param {unknown} error */
export function words(error) {
  return error instanceof ApiError ? error.words : String(error);
}
