/** The list of keys, and the keys that hold on every page. */

import { make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { openDialog } from "../core/dialog.js";
import { go } from "../core/router.js";

const KEYS = [
  ["Everywhere", [["/", "Search"], ["b", "Browse"], ["?", "These keys"], ["Esc", "Close what is open"]]],
  ["Among pictures", [
    ["← → ↑ ↓", "From picture to picture"], ["Enter", "Open it"], ["Space", "Mark it; with Shift all up to it"], ["Ctrl+A", "Mark all that are loaded"], ["l", "Find its likes"], ["w", "Show why it is a match"],
    ["+ −", "Add it to the question, as like or unlike"], ["Home End", "Ends of the row; with Ctrl of everything"],
  ]],
  ["A picture", [["← →", "Previous, next"], ["+ − 0", "Zoom in, out, whole"], ["r", "Turn it, for the eye only"], ["l", "Find its likes"], ["Space", "Mark it"]]],
  ["The map", [
    ["← → ↑ ↓", "Move it, or from thumbnail to thumbnail"], ["+ − 0", "Nearer, farther, all of it"], ["s", "Lasso: arrows, Enter for a corner, Space to catch"],
    ["v", "Mark what is in view"],
  ]],
  ["Duplicates", [
    ["↑ ↓", "From group to group"], ["← →", "From file to file"], ["k d", "Keep, drop"], ["n", "Not the same"],
    ["Enter", "Keep the first, drop the rest, go on"], ["o", "Side by side or overlaid"],
  ]],
];

export function startKeys() {
  const opener = document.getElementById("keys");
  opener.append(icon("keyboard"));
  opener.addEventListener("click", show);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "?") show();
    else if (event.key === "/") go("/");
    else if (event.key === "b") go("/browse");
    else return;
    event.preventDefault();
  });
}

/** Whether a key belongs to a field. */
export function isTyping(node) {
  return node.matches?.("input:not([type='checkbox'], [type='radio'], [type='range']), textarea, select") ?? false;
}

function show() {
  const groups = KEYS.map(([name, keys]) => make(
    "section", {}, make("h3", { text: name }),
    make("dl.keys", {}, ...keys.flatMap(([key, meaning]) => [
      make("dt", {}, ...key.split(" ").map((one) => make("kbd", { text: one }))), make("dd", { text: meaning }),
    ])),
  ));
  openDialog("Keys", [make("div.keys-groups", {}, ...groups)], { wide: true });
}
