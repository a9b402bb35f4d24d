/** A grid of which only the rows in view exist. It scrolls with the page. */

import { make } from "../core/dom.js";
import { marks } from "../core/marks.js";
import { Layout, shown } from "./justify.js";
import { dropPicture, fill, makePlaceholder, showPicture } from "./tile.js";

// How much is drawn beyond the view, in heights of it; and how long a fast scroll must rest, in ms,
// before thumbnails are asked for.
const AHEAD = 0.75;
const REST = 60;
const FAST = 2;

/**
 * A source of pictures has `count`, `ratio(index)`, `entry(index)` (null until it is there),
 * `want(first, end)` (fetch these), and optionally `sections` and `more()` (fetch beyond the end).
 */
export class Grid extends EventTarget {
  /**
   * @param {{label: string, likes?: boolean, href: Function, badge?: Function, heading?: Function}} how
   *   `href(entry)` and `badge(entry)` of a tile, `heading(section)` the content of a heading
   */
  constructor(source, how, signal) {
    super();
    this.source = source;
    this.how = how;
    this.rows = new Map();
    this.headings = new Map();
    this.focused = 0;
    this.cells = make("div", { role: "grid", "aria-label": how.label, "aria-multiselectable": "true" });
    this.node = make("div.grid", {}, this.cells);
    this.layout = new Layout(() => 1, [], this.#measures(0));
    this.#listen(signal);
  }

  /** Lay out anew, after the source or the width has changed. */
  arrange() {
    const { width } = this.node.getBoundingClientRect();
    if (!width) return;
    const sections = this.source.sections ?? [{ count: this.source.count }];
    this.layout = new Layout((index) => this.source.ratio(index), sections, this.#measures(width));
    this.node.style.setProperty("height", `${this.layout.total}px`);
    this.cells.setAttribute("aria-rowcount", this.layout.rows);
    this.cells.hidden = !this.layout.rows;
    this.#clear();
    this.draw();
    this.dispatchEvent(new Event("arranged"));
  }

  /** Begin with other pictures. */
  replace(source) {
    this.source = source;
    this.focused = 0;
    this.arrange();
  }

  /** Fill the tiles in view whose entries have come meanwhile. */
  refresh() {
    for (const node of this.rows.values()) this.#fillRow(node);
    this.#settle();
  }

  /** Draw what is in view, and take away what is not. */
  draw() {
    if (!this.layout.rows) return;
    const [from, to] = this.#view(AHEAD);
    const first = this.layout.rowAt(from);
    const last = this.layout.rowAt(to);
    const kept = this.node.contains(document.activeElement) ? this.layout.rowOf(this.focused) : -1;
    for (const [row, node] of this.rows) {
      if ((row < first || row > last) && row !== kept) this.#remove(row, node);
    }
    for (let row = first; row <= last; row += 1) if (!this.rows.has(row)) this.#add(row);
    this.#drawHeadings(from, to);
    this.source.want(this.layout.first[first], this.layout.first[last + 1]);
    this.#settle();
    if (to >= this.layout.total) this.source.more?.();
  }

  /** The element of a picture, null when it is not in view. */
  tile(index) {
    return this.rows.get(this.layout.rowOf(index))?.querySelector(`[data-index="${index}"]`) ?? null;
  }

  /** Move the one tile that Tab reaches, scroll to it, and put the focus there. */
  focus(index, { scroll = true } = {}) {
    if (!this.layout.count) return;
    this.tile(this.focused)?.querySelector("a")?.setAttribute("tabindex", -1);
    this.focused = Math.min(this.layout.count - 1, Math.max(0, index));
    if (scroll) this.reveal(this.focused);
    const row = this.layout.rowOf(this.focused);
    if (!this.rows.has(row)) this.#add(row);
    const link = this.tile(this.focused)?.querySelector("a");
    link?.setAttribute("tabindex", 0);
    link?.focus({ preventScroll: true });
  }

  /** Scroll as little as it takes to see a picture. */
  reveal(index) {
    const row = this.layout.rowOf(index);
    const start = this.#start();
    const top = start + this.layout.top[row] - 80;
    const bottom = start + this.layout.top[row] + this.layout.height[row] + 24;
    if (top < window.scrollY) window.scrollTo(0, Math.max(0, top));
    else if (bottom > window.scrollY + window.innerHeight) window.scrollTo(0, bottom - window.innerHeight);
    this.draw();
  }

  /** Scroll to where this page was left, and give the focus back to the picture that had it. */
  restore({ scroll, tile }) {
    window.scrollTo(0, scroll);
    this.draw();
    if (tile !== null) this.focus(tile, { scroll: false });
  }

  /** Where the grid begins on the page, in px from its top. */
  #start() {
    return this.node.getBoundingClientRect().top + window.scrollY;
  }

  #view(beyond) {
    const from = -this.node.getBoundingClientRect().top;
    return [from - window.innerHeight * beyond, from + window.innerHeight * (1 + beyond)];
  }

  #measures(width) {
    const narrow = width < 600;
    return {
      width,
      target: this.how.target ?? (narrow ? 132 : 208),
      gap: narrow ? 4 : 8,
      heading: this.how.heading ? 64 : 0,
      even: !this.source.more,
    };
  }

  #listen(signal) {
    let last = window.scrollY;
    let asked = false;
    const scrolled = () => {
      asked = false;
      this.fast = Math.abs(window.scrollY - last) > window.innerHeight * FAST;
      last = window.scrollY;
      this.draw();
    };
    window.addEventListener("scroll", () => {
      if (!asked) requestAnimationFrame(scrolled);
      asked = true;
    }, { passive: true, signal });
    marks.addEventListener("change", () => this.#showMarks(), { signal });
    let width = 0;
    const resized = new ResizeObserver(([entry]) => {
      const now = Math.round(entry.contentRect.width);
      if (now !== width) this.arrange();
      width = now;
    });
    resized.observe(this.node);
    signal.addEventListener("abort", () => {
      resized.disconnect();
      this.#clear();
    });
    this.#showMarks();
  }

  #add(row) {
    const { layout } = this;
    const node = make("div.grid-row", {
      role: "row",
      "aria-rowindex": row + 1,
      style: { top: `${layout.top[row]}px`, height: `${layout.height[row]}px` },
    });
    for (const { index, left, width } of layout.cells(row, (at) => this.source.ratio(at))) {
      const tile = makePlaceholder(index);
      tile.setAttribute("aria-colindex", index - layout.first[row] + 1);
      tile.style.setProperty("left", `${left}px`);
      tile.style.setProperty("width", `${width}px`);
      tile.style.setProperty("height", `${layout.height[row]}px`);
      node.append(tile);
    }
    this.rows.set(row, node);
    this.#fillRow(node);
    // Rows stand in the document in their order, whichever way they came into view.
    const after = [...this.cells.children].find((other) => Number(other.getAttribute("aria-rowindex")) > row + 1);
    this.cells.insertBefore(node, after ?? null);
  }

  #fillRow(node) {
    for (const tile of node.children) {
      if (tile.dataset.content) continue;
      const index = Number(tile.dataset.index);
      const entry = this.source.entry(index);
      if (!entry) continue;
      fill(tile, entry, {
        href: this.how.href(entry, index), likes: this.how.likes !== false, badge: this.how.badge?.(entry),
      });
      if (index === this.focused) tile.querySelector("a").setAttribute("tabindex", 0);
    }
  }

  #settle() {
    clearTimeout(this.resting);
    if (this.fast) this.resting = setTimeout(() => this.#showPictures(), REST);
    else this.#showPictures();
  }

  #showPictures() {
    this.fast = false;
    for (const [row, node] of this.rows) {
      const height = this.layout.height[row];
      for (const tile of node.children) {
        const index = Number(tile.dataset.index);
        const longest = height * Math.max(1, shown(this.source.ratio(index)));
        if (tile.dataset.content) showPicture(tile, longest);
      }
    }
  }

  #drawHeadings(from, to) {
    for (const heading of this.layout.headings) {
      const seen = heading.top <= to && heading.top + this.layout.measures.heading >= from;
      const node = this.headings.get(heading.section);
      if (node && !seen) {
        node.remove();
        this.headings.delete(heading.section);
      } else if (!node && seen) {
        const made = make(
          "div.grid-heading",
          { style: { top: `${heading.top}px`, height: `${this.layout.measures.heading}px` } },
          ...this.how.heading(this.source.sections[heading.section]),
        );
        this.headings.set(heading.section, made);
        this.node.append(made);
      }
    }
  }

  #showMarks() {
    this.node.classList.toggle("marking", marks.size > 0);
    for (const node of this.rows.values()) {
      for (const tile of node.children) {
        if (tile.dataset.content) tile.setAttribute("aria-selected", String(marks.has(tile.dataset.content)));
      }
    }
  }

  #remove(row, node) {
    for (const tile of node.children) dropPicture(tile);
    node.remove();
    this.rows.delete(row);
  }

  #clear() {
    for (const [row, node] of this.rows) this.#remove(row, node);
    for (const node of this.headings.values()) node.remove();
    this.headings.clear();
  }
}
