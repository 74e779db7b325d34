/** The SMTP lab's page: the dialogue, the mailbox, faults on purpose, the certificate. */

import { call } from "../api.js";
import { byId, el, fill } from "../dom.js";
import { mountDialogue } from "./smtp_sink/dialogue.js";
import { mountFaults } from "./smtp_sink/faults.js";
import { mountMailbox } from "./smtp_sink/mailbox.js";

export { resultDetails, resultSummary } from "./smtp_sink/outcome.js";
export { sessionAnswer } from "./smtp_sink/stepper.js";

/** The queries and actions that have their place here. */
export const handles = [
  "messages", "message", "attachment", "eml", "meanings", "certificate", "certificate_file",
  "fault", "clear_fault", "clear_faults", "faults", "reveal", "delete", "delete_all",
];

/** @param {HTMLElement} element @param {import("../keep.js").Store} store @param {import("../types.js").Page} page */
export function picture(element, store, page) {
  const model = mountDialogue(element, store, page);
  mountMailbox(store, page);
  mountFaults(store, page);
  mountCertificate(store, page);
  Object.assign(window, { socketLab: { connections: () => model.connections } });
  return { model };
}

/** @param {import("../keep.js").Store} store @param {import("../types.js").Page} page */
function mountCertificate(store, page) {
  const line = byId("certificate");
  const path = `/instances/${page.instance?.id}/data/`;
  async function show() {
    const { value } = await call("GET", `${path}certificate`).catch(() => ({ value: null }));
    line.hidden = !value;
    if (value) fill(line, "Certificate for STARTTLS, SHA-256 ", el("code", {}, value.sha256), " ", el("a", { href: `/api/v1${path}certificate_file`, download: "certificate.pem" }, "Download it"));
  }
  let state = "";
  store.subscribe((now, change) => {
    const fresh = now.instance?.state !== state || change.marks.some((event) => event.kind === "tls_started");
    state = now.instance?.state ?? "";
    if (fresh) show();
  });
}
