/** The duplicates page. */

import { make } from "../core/dom.js";

export function openDuplicates() {
  document.getElementById("main").replaceChildren(make("h1", { text: "Duplicates" }));
}
