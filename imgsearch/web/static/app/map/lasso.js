/** The lasso: drawn with the mouse or a finger, or corner by corner with the keys. */

import { draw } from "../core/dom.js";
import { announce } from "../core/voice.js";

const LEAST = 4;
const STEP = 16;
const STRIDE = 64;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Lasso {
  #path = [];
  #cross = null;

  /** @param {Function} caught is called with the polygon, in pixels of the stage */
  constructor(caught) {
    this.caught = caught;
    this.line = draw("path", { class: "lasso-line" });
    this.cross = draw("path", { class: "lasso-cross", visibility: "hidden" });
    this.node = draw("svg", { class: "lasso", "aria-hidden": "true" }, this.line, this.cross);
  }

  get isOpen() {
    return this.#path.length > 0;
  }

  /** Begin where the pointer went down. */
  begin(place) {
    this.#path = [place];
    this.#hideCross();
    this.#show();
  }

  /** Go on to where the pointer is. */
  extend(place) {
    const [left, top] = this.#path.at(-1);
    if (Math.hypot(place[0] - left, place[1] - top) < LEAST) return;
    this.#path.push(place);
    this.#show();
  }

  /** Let go: what lies within is caught. */
  end() {
    const path = this.#path;
    this.drop();
    if (path.length > 2) this.caught(path);
  }

  /** Forget what was drawn. */
  drop() {
    this.#path = [];
    this.#hideCross();
    this.#show();
  }

  /** Draw with the keys; returns whether the key meant something. */
  key(event, { width, height }) {
    const by = MOVES[event.key];
    if (by) {
      const far = event.shiftKey ? STRIDE : STEP;
      const [left, top] = this.#cross ?? [width / 2, height / 2];
      this.#cross = [Math.min(width, Math.max(0, left + far * by[0])), Math.min(height, Math.max(0, top + far * by[1]))];
      this.#show();
    } else if (event.key === "Enter") {
      this.#cross ??= [width / 2, height / 2];
      this.#path.push(this.#cross);
      announce(`Corner ${this.#path.length}${this.#path.length > 2 ? "; Space catches what lies within" : ""}`);
      this.#show();
    } else if (event.key === "Backspace" && this.#path.length) {
      this.#path.pop();
      announce(`${this.#path.length} corners`);
      this.#show();
    } else if (event.key === " " && this.#path.length > 2) {
      this.end();
    } else {
      return false;
    }
    return true;
  }

  #hideCross() {
    this.#cross = null;
  }

  #show() {
    const path = this.#cross && this.#path.length ? [...this.#path, this.#cross] : this.#path;
    const text = path.map(([left, top]) => `${left.toFixed(1)} ${top.toFixed(1)}`).join("L");
    this.line.setAttribute("d", text ? `M${text}Z` : "");
    this.cross.setAttribute("visibility", this.#cross ? "visible" : "hidden");
    if (this.#cross) this.cross.setAttribute("d", `M${this.#cross[0] - 10} ${this.#cross[1]}h20M${this.#cross[0]} ${this.#cross[1] - 10}v20`);
  }
}
