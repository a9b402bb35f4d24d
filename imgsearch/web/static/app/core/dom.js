/** Making elements. Text only ever becomes text: nothing here reads HTML. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element.
 *
 * @param {string} name of the element, with classes: "button.button.main".
 * @param {object} [given] attributes; `on` holds listeners, `style` properties, `text` the text.
 *   A value of null, undefined or false leaves the attribute out, true gives it empty.
 * @param {...(Node|string|null|false)} children
 */
export function make(name, given = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(given)) give(node, key, value);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function give(node, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key === "on") {
    for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
  } else if (key === "style") {
    for (const [property, setting] of Object.entries(value)) node.style.setProperty(property, setting);
  } else if (key === "text") {
    node.textContent = value;
  } else {
    node.setAttribute(key, value === true ? "" : value);
  }
}

/** Make an SVG element from plain attributes. */
export function draw(tag, given = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(given)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** A button with a listener; `icon` may stand before its words. */
export function button(name, { text, icon, click, ...given }) {
  const words = text ? [make("span", { text })] : [];
  return make(name, { type: "button", ...given, on: { click } }, icon ?? null, ...words);
}

let last = 0;

/** An id that no other element of the page has. */
export function freshId(word) {
  last += 1;
  return `${word}-${last}`;
}
