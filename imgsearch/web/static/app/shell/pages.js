/** The pages in the bar: those that this gallery has something for. */

import { make } from "../core/dom.js";
import { icon } from "../core/icons.js";

const PAGES = [
  { path: "/", name: "Search", icon: "search" },
  { path: "/browse", name: "Browse", icon: "browse" },
  { path: "/map", name: "Map", icon: "map", when: ({ can }) => can.map },
  { path: "/duplicates", name: "Duplicates", icon: "duplicates", when: ({ can }) => can.duplicates },
  { path: "/selections", name: "Selections", icon: "selections" },
  { path: "/backbones", name: "Backbones", icon: "backbones", when: ({ recipes }) => recipes.length > 1 },
];

const nav = document.getElementById("pages");
let where = null;

/** Show the pages that are always there at once, the others when the gallery is known. */
export async function showPages(asked) {
  draw(PAGES.filter(({ when }) => !when));
  try {
    const known = await asked;
    draw(PAGES.filter(({ when }) => !when || when(known)));
  } catch {
    // The line beneath the bar says that the server cannot be reached.
  }
}

/** Say which page is open; null for one that is not in the bar. */
export function showWhere(path) {
  where = path;
  for (const link of nav.children) current(link);
}

function draw(pages) {
  nav.replaceChildren(...pages.map(({ path, name, icon: drawn }) => {
    const link = make("a", { href: path }, icon(drawn), make("span", { text: name }));
    current(link);
    return link;
  }));
}

function current(link) {
  if (link.getAttribute("href") === where) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}
