/** The bar at the right edge: drag it through the months, or through the folders. */

import { make } from "../core/dom.js";

const APART = 22;
const STEP = 0.02;

export class Scrubber {
  /**
   * @param {import("../grid/window.js").Grid} grid
   * @param {(section: object) => string} name of a section
   */
  constructor(grid, name, order, signal) {
    this.grid = grid;
    this.name = name;
    this.order = order;
    this.thumb = make("div.scrubber-thumb");
    this.bubble = make("div.scrubber-bubble", { "aria-hidden": "true" });
    this.labels = make("div.scrubber-labels", { "aria-hidden": "true" });
    this.node = make(
      "div.scrubber",
      { role: "slider", tabindex: 0, "aria-orientation": "vertical", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": "Go to" },
      this.labels, this.thumb, this.bubble,
    );
    grid.addEventListener("arranged", () => this.#arrange(), { signal });
    window.addEventListener("scroll", () => this.#follow(), { passive: true, signal });
    window.addEventListener("resize", () => this.#arrange(), { signal });
    this.#listen();
  }

  #listen() {
    const { node } = this;
    const share = (event) => {
      const { top, height } = node.getBoundingClientRect();
      return (event.clientY - top) / height;
    };
    node.addEventListener("pointerdown", (event) => {
      node.setPointerCapture(event.pointerId);
      node.classList.add("dragging");
      this.#go(share(event));
    });
    node.addEventListener("pointermove", (event) => {
      if (node.hasPointerCapture(event.pointerId)) this.#go(share(event));
      else this.#hint(share(event));
    });
    for (const end of ["pointerup", "pointercancel"]) node.addEventListener(end, () => node.classList.remove("dragging"));
    node.addEventListener("pointerleave", () => this.#follow());
    node.addEventListener("keydown", (event) => {
      const { headings } = this.grid.layout;
      const at = this.#headingAt(this.#scrolled() + 1);
      const next = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 12, PageUp: at - 12, Home: 0, End: headings.length - 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      this.#scroll(headings[Math.min(headings.length - 1, Math.max(0, next))].top);
    });
  }

  /** How far the page may be scrolled, in px. */
  get #range() {
    return Math.max(1, document.documentElement.scrollHeight - window.innerHeight);
  }

  get #start() {
    return this.grid.node.getBoundingClientRect().top + window.scrollY;
  }

  #scrolled() {
    return window.scrollY - this.#start + this.#offset;
  }

  /** What the bars at the top cover. */
  get #offset() {
    return Math.min(this.#start, 136);
  }

  #scroll(top) {
    window.scrollTo(0, top + this.#start - this.#offset);
  }

  #go(share) {
    window.scrollTo(0, Math.min(1, Math.max(0, share)) * this.#range);
  }

  #headingAt(y) {
    const { headings } = this.grid.layout;
    const after = headings.findIndex(({ top }) => top > y);
    return after < 0 ? headings.length - 1 : Math.max(0, after - 1);
  }

  #nameAt(y) {
    const heading = this.grid.layout.headings[this.#headingAt(y)];
    return heading ? this.name(this.grid.source.sections[heading.section]) : "";
  }

  #follow() {
    const share = Math.min(1, Math.max(0, window.scrollY / this.#range));
    const name = this.#nameAt(this.#scrolled() + 1);
    this.thumb.style.setProperty("top", `${share * 100}%`);
    this.bubble.style.setProperty("top", `${share * 100}%`);
    this.bubble.textContent = name;
    this.node.setAttribute("aria-valuenow", Math.round(share * 100));
    this.node.setAttribute("aria-valuetext", name);
  }

  #hint(share) {
    this.bubble.style.setProperty("top", `${share * 100}%`);
    // Rounded up by a pixel of the bar, so that pointing at the thumb names what it stands at.
    const pixel = this.#range / this.node.clientHeight;
    this.bubble.textContent = this.#nameAt(share * this.#range + pixel - this.#start + this.#offset);
  }

  /** Write the years beside it, or the folders, as many as there is room for. */
  #arrange() {
    const { headings, total } = this.grid.layout;
    this.node.hidden = total < window.innerHeight * (1 + STEP);
    const height = this.node.clientHeight;
    let last = -Infinity;
    let said = null;
    const labels = [];
    for (const { section, top } of headings) {
      const { key } = this.grid.source.sections[section];
      const text = this.order === "taken" ? (key?.slice(0, 4) ?? "–") : this.name(this.grid.source.sections[section]);
      const share = Math.min(1, (top + this.#start - this.#offset) / this.#range);
      if (text === said || share * height - last < APART || share * height > height - 8) continue;
      said = text;
      last = share * height;
      labels.push(make("span", { text, style: { top: `${Math.max(0, share) * 100}%` } }));
    }
    this.labels.replaceChildren(...labels);
    this.#follow();
  }
}
