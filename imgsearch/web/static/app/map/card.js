/** The picture under the pointer or the focus, larger, with its name. */

import { getJson, isStale } from "../core/api.js";
import { make } from "../core/dom.js";
import { fileName, moment } from "../core/words.js";
import { thumbnail } from "../grid/tile.js";

const PAUSE = 120;
const SIDE = 240;
const GAP = 16;

export class Card {
  #content = null;
  #waiting = 0;
  #asking = null;

  constructor() {
    this.image = make("img", { alt: "" });
    this.name = make("strong");
    this.taken = make("span.soft");
    this.node = make("div.map-card", { hidden: true, "aria-hidden": "true" }, this.image, make("p", {}, this.name, this.taken));
  }

  /**
   * Show a content beside a place of the stage; `named` is told the entry once it is known.
   *
   * @param {string} content
   * @param {number[]} place in pixels of the stage
   * @param {{width: number, height: number, unseen: boolean}} stage `unseen` where there is no thumbnail
   */
  show(content, [left, top], { width, height, unseen }, named) {
    const x = left + GAP + SIDE > width ? left - GAP - SIDE : left + GAP;
    const y = Math.min(Math.max(0, height - SIDE - 56), Math.max(8, top - SIDE / 2));
    this.node.style.setProperty("transform", `translate(${Math.max(8, x)}px, ${y}px)`);
    if (content === this.#content) return;
    this.hide();
    this.#content = content;
    this.#waiting = setTimeout(() => this.#open(content, unseen, named), PAUSE);
  }

  hide() {
    clearTimeout(this.#waiting);
    this.#asking?.abort();
    this.#content = null;
    this.node.hidden = true;
  }

  async #open(content, unseen, named) {
    this.#asking = new AbortController();
    this.name.textContent = "";
    this.taken.textContent = "";
    this.image.hidden = unseen;
    if (!unseen) this.image.src = thumbnail(content, SIDE);
    this.node.hidden = false;
    try {
      const entry = await getJson(`/contents/${content}`, {}, { signal: this.#asking.signal });
      this.name.textContent = fileName(entry.path);
      this.taken.textContent = entry.taken ? moment(entry.taken) : "";
      named?.(entry);
    } catch (error) {
      if (!isStale(error)) this.name.textContent = "No longer in the gallery";
    }
  }
}
