/** One picture in a grid. */

import { address } from "../core/api.js";
import { button, make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { marks } from "../core/marks.js";
import { fileName, moment, score } from "../core/words.js";
import { framePart, isPart, sayPart } from "./part.js";
import { shown } from "./justify.js";
import { kindMeaning, kindName } from "../duplicates/words.js";

const SMALL = 256;
const LARGE = 512;

/** Return the address of a content's thumbnail for a box of so many css pixels. */
export function thumbnail(content, longest) {
  const side = longest * window.devicePixelRatio > SMALL * 1.15 ? LARGE : SMALL;
  return address(`/contents/${content}/thumbnail`, { side });
}

/** Whether there is a thumbnail to ask for: one was made, which gave the colour, or can be. */
export const hasThumbnail = ({ offline, colour }) => !offline || Boolean(colour);

/** Make the cell of a picture whose entry has not come yet. */
export function makePlaceholder(index) {
  return make("div.tile", { role: "gridcell", "data-index": index });
}

/**
 * Turn a placeholder into its picture.
 *
 * @param {HTMLElement} tile
 * @param {object} entry as the interface gives it
 * @param {{href: string, likes: boolean, badge: Node?}} how `badge` is shown at the lower edge
 */
export function fill(tile, entry, { href, likes, badge }) {
  const { index } = tile.dataset;
  const name = entry.path ? fileName(entry.path) : "A picture";
  tile.style.setProperty("background", entry.colour ?? "");
  const link = make("a", { href, tabindex: -1, draggable: "true", "aria-label": describe(entry, name) });
  tile.replaceChildren(
    link,
    ...(isPart(entry) ? [framePart(entry, shown(entry.width / entry.height))] : []),
    button("button.tile-mark", { icon: icon("check"), tabindex: -1, title: "Mark (Space)", "aria-label": `Mark ${name}` }),
  );
  if (likes) {
    tile.append(button("button.tile-like", {
      icon: icon("likes"), tabindex: -1, title: "Find its likes (L)", "aria-label": `Find likes of ${name}`,
    }));
  }
  const notes = [];
  if (entry.score !== undefined) notes.push(make("span.tile-score", { text: score(entry.score), title: entry.box ? null : "Show where the two agree (W)" }));
  if (entry.kind) notes.push(make("span.tile-score", { text: kindName(entry.kind), title: kindMeaning(entry.kind) }));
  if (entry.offline) notes.push(make("span", { title: "Its folder is not connected" }, icon("offline"), "Offline"));
  if (badge) notes.push(make("span", {}, badge));
  if (notes.length) tile.append(make("div.tile-note", { "aria-hidden": "true" }, ...notes));
  tile.dataset.content = entry.content;
  tile.dataset.index = index;
  tile.setAttribute("aria-selected", String(marks.has(entry.content)));
  if (!hasThumbnail(entry)) showBroken(tile);
}

/** Begin to fetch the thumbnail; `longest` is the longer side of the tile in css pixels. */
export function showPicture(tile, longest) {
  const link = tile.querySelector("a");
  if (!link || link.firstChild || tile.classList.contains("broken")) return;
  const image = make("img", { alt: "", decoding: "async", draggable: "false" });
  image.addEventListener("load", () => image.classList.add("shown"), { once: true });
  image.addEventListener("error", () => showBroken(tile), { once: true });
  image.src = thumbnail(tile.dataset.content, longest);
  if (image.complete) image.classList.add("shown");
  link.append(image);
}

function showBroken(tile) {
  tile.classList.add("broken");
  tile.querySelector("a").append(icon("offline"));
}

/** Stop fetching a thumbnail that nobody sees any more. */
export function dropPicture(tile) {
  const image = tile.querySelector("img");
  if (image && !image.complete) image.removeAttribute("src");
}

function describe(entry, name) {
  const parts = [name];
  if (entry.taken) parts.push(moment(entry.taken));
  if (entry.score !== undefined) parts.push(`score ${score(entry.score)}`);
  if (entry.kind) parts.push(kindName(entry.kind));
  if (isPart(entry)) parts.push(sayPart(entry));
  if (entry.offline) parts.push("offline");
  if (entry.copies > 1) parts.push(`${entry.copies} files`);
  return parts.join(", ");
}
