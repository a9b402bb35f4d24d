/** The thumbnails over the points: links, of which one at a time is reached with Tab. */

import { make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { marks } from "../core/marks.js";
import { counted, number } from "../core/words.js";
import { thumbnail } from "../grid/tile.js";
import { chosenThumbnails } from "./chosen_thumbnails.js";
import { css, HUES } from "./colours.js";

// How often others are chosen while the map moves, in ms; how many there are at most.
const OFTEN = 160;
const MOST = 160;

export class Thumbnails {
  #shown = new Map();
  #waiting = 0;
  #focused = -1;

  /** @param {HTMLElement} node they are put into */
  constructor(node, points, labels) {
    this.node = node;
    this.points = points;
    this.labels = labels;
    this.palette = [];
  }

  /** Move them with the map; a moment later others may be shown. */
  show(camera) {
    this.camera = camera;
    for (const [point, tile] of this.#shown) this.#place(tile, point);
    this.#waiting ||= setTimeout(() => this.choose(), OFTEN);
  }

  /** Choose now. */
  choose() {
    clearTimeout(this.#waiting);
    this.#waiting = 0;
    if (!this.node.isConnected) return;
    const chosen = chosenThumbnails(this.camera, this.points, this.labels, this.side).slice(0, MOST);
    const wanted = new Map(chosen.map((one) => [one.point, one]));
    for (const [point, tile] of this.#shown) {
      if (!wanted.has(point) && tile !== document.activeElement) this.#drop(point, tile);
    }
    for (const [point, { side, cluster }] of wanted) {
      if (this.#shown.has(point)) this.#size(this.#shown.get(point), side);
      else this.#add(point, side, cluster);
    }
    this.#keepOneReachable();
  }

  /** The side of a thumbnail, for the stage's size. */
  get side() {
    return Math.round(Math.min(88, Math.max(52, Math.min(this.camera.width, this.camera.height) / 9)));
  }

  /** Colour the rims of the clusters' pictures. */
  paint(palette) {
    this.palette = palette;
    for (const tile of this.#shown.values()) this.#rim(tile);
  }

  showMarks() {
    for (const tile of this.#shown.values()) tile.classList.toggle("marked-one", marks.has(tile.dataset.content));
  }

  /** The point of a thumbnail, -1 for another element. */
  pointOf(node) {
    const tile = node.closest?.(".map-tile");
    return tile ? Number(tile.dataset.point) : -1;
  }

  /** Let a screen reader call a thumbnail by the name of its file. */
  name(point, text) {
    const label = this.labels.find((one) => one.point === point);
    this.#shown.get(point)?.setAttribute("aria-label", label ? `${text}: ${about(label).toLowerCase()}` : text);
  }

  /** Focus the thumbnail nearest in a direction; return whether there is one. */
  step(from, [right, down]) {
    const [x, y] = this.camera.toScreen(this.points.x[from], this.points.y[from]);
    let [best, least] = [-1, Infinity];
    for (const point of this.#shown.keys()) {
      const [left, top] = this.camera.toScreen(this.points.x[point], this.points.y[point]);
      const [ahead, aside] = [(left - x) * right + (top - y) * down, Math.abs((left - x) * down) + Math.abs((top - y) * right)];
      // Within a quarter turn of the direction, and the less aside the better.
      if (point !== from && ahead > 0 && aside <= ahead && ahead + 2 * aside < least) [best, least] = [point, ahead + 2 * aside];
    }
    if (best >= 0) this.focus(best);
    return best >= 0;
  }

  focus(point) {
    this.#focused = point;
    this.#keepOneReachable();
    this.#shown.get(point)?.focus({ preventScroll: true });
  }

  #add(point, side, cluster) {
    const content = this.points.content(point);
    const label = cluster === null ? null : this.labels[cluster];
    const image = make("img", { alt: "", decoding: "async", draggable: "false" });
    image.addEventListener("load", () => image.classList.add("shown"), { once: true });
    image.addEventListener("error", () => tile.classList.add("broken"), { once: true });
    const tile = make("a.map-tile", {
      href: `/content/${content}`, tabindex: -1, draggable: "false", "data-content": content, "data-point": point,
      "aria-label": label ? about(label) : "A picture",
    }, image, label && make("span.map-count", { text: number(label.size) }));
    tile.classList.toggle("central", Boolean(label));
    tile.classList.toggle("marked-one", marks.has(content));
    this.#shown.set(point, tile);
    this.#size(tile, side);
    this.#place(tile, point);
    this.#rim(tile);
    if (this.points.unseen[point]) image.replaceWith(icon("offline"));
    else image.src = thumbnail(content, side);
    this.node.append(tile);
  }

  #drop(point, tile) {
    const image = tile.querySelector("img");
    if (image && !image.complete) image.removeAttribute("src");
    tile.remove();
    this.#shown.delete(point);
  }

  #place(tile, point) {
    const [left, top] = this.camera.toScreen(this.points.x[point], this.points.y[point]);
    tile.style.setProperty("transform", `translate(${left}px, ${top}px) translate(-50%, -50%)`);
  }

  #size(tile, side) {
    for (const property of ["width", "height"]) tile.style.setProperty(property, `${side}px`);
  }

  #rim(tile) {
    if (this.palette.length) tile.style.setProperty("--cluster", css(this.palette[this.points.cluster[tile.dataset.point] % HUES]));
  }

  #keepOneReachable() {
    if (!this.#shown.has(this.#focused)) this.#focused = this.#shown.keys().next().value ?? -1;
    for (const [point, tile] of this.#shown) tile.tabIndex = point === this.#focused ? 0 : -1;
  }
}

const about = ({ size }) => `The most central of a cluster of ${counted(size, "picture")}`;
