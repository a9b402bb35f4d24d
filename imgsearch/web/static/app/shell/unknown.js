/** An address that is no page. */

import { make } from "../core/dom.js";
import { icon } from "../core/icons.js";

export function openUnknown() {
  document.title = "No such page · imgsearch";
  document.getElementById("main").replaceChildren(make(
    "section.empty", {}, icon("search"), make("h1", { text: "There is no such page" }),
    make("p", { text: "The address may have been cut off." }), make("a.button", { href: "/", text: "To the start" }),
  ));
}
