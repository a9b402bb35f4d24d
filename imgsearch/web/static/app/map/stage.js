/** The map itself: points, thumbnails, lasso and card, moved and looked at together. */

import { make } from "../core/dom.js";
import { marks } from "../core/marks.js";
import { go } from "../core/router.js";
import { announce } from "../core/voice.js";
import { counted, fileName } from "../core/words.js";
import { Question } from "../search/question.js";
import { Camera } from "./camera.js";
import { Card } from "./card.js";
import { palette } from "./colours.js";
import { FlatLayer } from "./flat_layer.js";
import { listenToPointers } from "./gestures.js";
import { Lasso } from "./lasso.js";
import { openPointLayer } from "./point_layer.js";
import { Pace } from "./pace.js";
import { boxOf } from "./points.js";
import { Thumbnails } from "./thumbnails.js";

const REACH = 10;
const PAN = 96;
const ZOOM = 1.5;
const REST = 250;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Tells "moved" when the map rests somewhere else, "tool" when the lasso is taken or put away. */
export class Stage extends EventTarget {
  #drawn = false;
  #resting = 0;
  #moving = false;
  #chosen = -1;
  #lassoing = false;
  #colours = null;

  /**
   * @param {import("./points.js").Points} points
   * @param {Array<{point: number, size: number}>} labels the clusters, with their most central point
   */
  constructor(points, labels, signal) {
    super();
    this.points = points;
    this.camera = new Camera(points.box);
    this.pace = new Pace(points.count);
    const canvas = make("canvas", { "aria-hidden": "true" });
    this.tiles = make("div.map-tiles");
    this.thumbnails = new Thumbnails(this.tiles, points, labels);
    this.lasso = new Lasso((path) => this.#caught(path));
    this.card = new Card();
    this.node = make(
      "div.map-stage", { tabindex: 0, role: "group", "aria-label": `Map of ${counted(points.count, "picture")}`, "aria-describedby": "map-keys" },
      canvas, this.tiles, this.lasso.node, this.card.node,
    );
    this.layer = openPointLayer(canvas, points) ?? new FlatLayer(canvas, points);
    this.layer.restored = () => this.#showMarks();
    this.scheme = window.matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", () => this.#paint(), { signal });
    marks.addEventListener("change", () => this.#showMarks(), { signal });
    this.#watchSize(signal);
    this.#listen(signal);
    signal.addEventListener("abort", () => this.card.hide());
  }

  /** Begin, once the stage is in the page. */
  start(at) {
    this.#fit();
    if (at) this.camera.at(...at);
    else this.camera.whole();
    this.#paint();
    this.#showMarks();
    this.thumbnails.show(this.camera);
    this.thumbnails.choose();
  }

  get lassoing() {
    return this.#lassoing;
  }

  set lassoing(on) {
    this.#lassoing = on;
    this.lasso.drop();
    this.node.classList.toggle("lassoing", on);
    this.dispatchEvent(new Event("tool"));
  }

  /** Go to a place, so much nearer than the whole map. */
  lookAt(x, y, nearness) {
    this.camera.at(x, y, nearness);
    this.moved();
  }

  whole() {
    this.camera.whole();
    this.moved();
  }

  zoom(factor) {
    this.camera.zoom(factor);
    this.moved();
  }

  /** Look at a cluster, and let the others fade. */
  showCluster(cluster) {
    const inside = this.points.inCluster(cluster).map((point) => [this.points.x[point], this.points.y[point]]);
    this.choose(cluster);
    this.camera.fit(boxOf(inside));
    this.moved();
  }

  /** Let all clusters but one fade; -1 for none. */
  choose(cluster) {
    this.#chosen = cluster;
    this.draw();
  }

  /** Mark every picture in view. */
  markInView() {
    const found = [];
    this.points.inBox(this.camera.box(), (point) => {
      found.push(point);
      return false;
    });
    this.mark(found);
  }

  mark(found) {
    marks.add(found.map((point) => ({ content: this.points.content(point) })));
    announce(found.length ? `${counted(found.length, "picture")} caught, ${marks.size} marked` : "Nothing lies within");
  }

  /** Draw what has changed, with the next frame. */
  draw() {
    if (this.#drawn) return;
    this.#drawn = true;
    requestAnimationFrame((now) => {
      this.#drawn = false;
      if (!this.#colours || !this.node.isConnected) return;
      const count = this.#moving ? this.pace.count : this.points.count;
      this.layer.draw(this.camera, { ...this.#colours, chosen: this.#chosen, size: this.#pointSize(), count });
      if (this.#moving) requestAnimationFrame((next) => this.pace.took(next - now));
    });
  }

  /** Follow the camera. */
  moved() {
    this.card.hide();
    this.#moving = true;
    this.draw();
    this.thumbnails.show(this.camera);
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.#rest(), REST);
  }

  /** Draw all points, now that there is time. */
  #rest() {
    this.#moving = false;
    this.draw();
    this.dispatchEvent(new Event("moved"));
  }

  /** Larger for few points and nearby, so that neither many cover each other nor few get lost. */
  #pointSize() {
    const crowd = Math.min(5, Math.max(2, 220 / Math.sqrt(this.points.count)));
    return Math.min(9, crowd * this.camera.nearness ** 0.3);
  }

  #paint() {
    const colours = palette(this.scheme.matches);
    const accent = this.scheme.matches ? [1, 1, 1] : [0.07, 0.08, 0.1];
    this.#colours = { palette: colours, accent };
    this.thumbnails.paint(colours);
    this.draw();
  }

  #showMarks() {
    const found = marks.contents.map((content) => this.points.pointOf(content)).filter((point) => point !== undefined);
    this.layer.mark(found);
    this.thumbnails.showMarks();
    this.draw();
  }

  #fit() {
    const { width, height } = this.node.getBoundingClientRect();
    this.camera.resize(width, height);
  }

  #watchSize(signal) {
    const watcher = new ResizeObserver(() => {
      this.#fit();
      this.moved();
    });
    watcher.observe(this.node);
    signal.addEventListener("abort", () => watcher.disconnect());
  }

  #caught(path) {
    this.mark(this.points.within(path.map((place) => this.camera.toMap(place))));
    this.lassoing = false;
  }

  /** The picture at a place: the thumbnail there, else the nearest point within reach. */
  #at(place, event) {
    const under = this.thumbnails.pointOf(event.target);
    return under >= 0 ? under : this.points.nearest(this.camera.toMap(place), REACH / this.camera.scale);
  }

  #listen(signal) {
    listenToPointers(this.node, {
      camera: this.camera,
      lasso: this.lasso,
      lassoing: () => this.lassoing,
      moved: () => this.moved(),
      hover: (place, event) => this.#preview(this.#at(place, event), place),
      leave: () => this.card.hide(),
      click: (place, event) => this.#click(place, event),
    }, signal);
    this.node.addEventListener("keydown", (event) => {
      if (event.altKey || event.metaKey || event.ctrlKey) return;
      if (this.#key(event, this.thumbnails.pointOf(event.target))) event.preventDefault();
    }, { signal });
    this.node.addEventListener("focusin", (event) => {
      const point = this.thumbnails.pointOf(event.target);
      if (point >= 0) this.#preview(point, this.camera.toScreen(this.points.x[point], this.points.y[point]));
      else this.card.hide();
    }, { signal });
    this.node.addEventListener("focusout", () => this.card.hide(), { signal });
  }

  #preview(point, place) {
    this.node.classList.toggle("over", point >= 0);
    if (point < 0 || this.lasso.isOpen) this.card.hide();
    else {
      const { width, height } = this.camera;
      const stage = { width, height, unseen: Boolean(this.points.unseen[point]) };
      this.card.show(this.points.content(point), place, stage, (entry) => this.thumbnails.name(point, fileName(entry.path)));
    }
  }

  #click(place, event) {
    const point = this.#at(place, event);
    if (point < 0) return;
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) this.#toggle(point);
    else if (!event.shiftKey) go(`/content/${this.points.content(point)}`);
  }

  #toggle(point) {
    marks.toggle({ content: this.points.content(point) });
  }

  /** Do what a key asks for; returns whether it asked for something. `point` is the focused thumbnail, or -1. */
  #key(event, point) {
    if (event.key === "Escape" && (this.lassoing || this.#chosen >= 0)) {
      if (this.lassoing) this.lassoing = false;
      else this.choose(-1);
    } else if (this.lassoing && this.lasso.key(event, this.camera)) {
      return true;
    } else if (ARROWS[event.key] && point >= 0) {
      if (!this.thumbnails.step(point, ARROWS[event.key])) this.#panBy(ARROWS[event.key]);
    } else if (ARROWS[event.key]) {
      this.#panBy(ARROWS[event.key]);
    } else if (event.key === " " && point >= 0) {
      this.#toggle(point);
    } else if (event.key === "+" || event.key === "=") {
      this.zoom(ZOOM);
    } else if (event.key === "-") {
      this.zoom(1 / ZOOM);
    } else if (event.key === "0") {
      this.whole();
    } else if (event.key === "l" && point >= 0) {
      go(new Question().adding({ content: this.points.content(point) }).address());
    } else if (event.key === "s") {
      this.lassoing = !this.lassoing;
    } else if (event.key === "v") {
      this.markInView();
    } else {
      return false;
    }
    return true;
  }

  #panBy([right, down]) {
    this.camera.pan(-PAN * right, -PAN * down);
    this.moved();
  }
}
