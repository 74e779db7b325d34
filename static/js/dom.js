/** Making elements. Text only ever becomes text: nothing here parses HTML. */

/**
 * An element with attributes (`class`, `aria-…`, `onclick` as a function) and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [attributes] false, null and undefined leave the attribute out
 * @param {...(Node|string|number|null|undefined|false)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  dress(element, attributes);
  fill(element, ...children);
  return element;
}

/**
 * An SVG element.
 * @param {string} tag @param {Record<string, any>} [attributes] @param {...Node} children
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  dress(element, attributes);
  element.append(...children);
  return element;
}

/** @param {Element} element @param {Record<string, any>} attributes */
function dress(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * Give an element these children and no others.
 * @param {Element} element @param {...(Node|string|number|null|undefined|false)} children
 */
export function fill(element, ...children) {
  /** @type {(Node|string)[]} */
  const kept = [];
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    kept.push(typeof child === "number" ? String(child) : child);
  }
  element.replaceChildren(...kept);
}

/** Change an element's text only if it differs. @param {Element} element @param {string} text */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * The element of that id; an error if the page has none.
 * @param {string} id @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}`);
  return element;
}

/**
 * The first match inside an element; an error if there is none.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {ParentNode} parent @param {string} selector @returns {T}
 */
export function one(parent, selector) {
  const element = parent.querySelector(selector);
  if (!element) throw new Error(`Nothing matches ${selector}`);
  return /** @type {T} */ (element);
}

/**
 * All matches as an array.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {ParentNode} parent @param {string} selector @returns {T[]}
 */
export function all(parent, selector) {
  return /** @type {T[]} */ ([...parent.querySelectorAll(selector)]);
}

/** Have a screen reader say it. @param {string} text */
export function say(text) {
  write(byId("say"), text);
}

/** Show or hide the line on top that tells what went wrong. @param {string} text */
export function notice(text) {
  const line = byId("notice");
  line.hidden = !text;
  write(line, text);
}

/** The scripts are there: what waited for them may be used. A press before would have been lost. */
export function arm() {
  for (const button of document.querySelectorAll("button[data-wait]")) {
    if (!(button instanceof HTMLButtonElement)) continue;
    button.disabled = false;
    delete button.dataset.wait;
  }
}
