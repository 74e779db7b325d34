/** The page's own data, written into it by the dashboard. */

/** @returns {import("./types.js").Page} */
export function readPage() {
  const text = document.getElementById("page")?.textContent;
  return text ? JSON.parse(text) : { me: null, lab: null, instance: null, labs: {}, class_link: "", class_mode: false };
}

/** @param {import("./types.js").Page} page */
export function isTeacher(page) {
  return page.me?.role === "teacher";
}
