/** The large picture: zoomed, moved and turned for the eye only; the file stays as it is. */

import { address } from "../core/api.js";
import { make } from "../core/dom.js";
import { framePart, isPart, sayPart } from "../grid/part.js";
import { hasThumbnail, thumbnail } from "../grid/tile.js";
import { announce } from "../core/voice.js";

const MOST = 16;
const SIDES = [1024, 2048, 4096];
const SLACK = 4;

export class Stage {
  #at = { scale: 1, x: 0, y: 0, turned: 0 };
  #pointers = new Map();

  constructor(entry, signal) {
    this.entry = entry;
    this.part = null;
    const wanted = Math.max(window.innerWidth, window.innerHeight) * window.devicePixelRatio;
    this.side = SIDES.find((side) => side >= wanted * 0.8) ?? SIDES.at(-1);
    this.image = make("img.stage-large", { alt: `${entry.width} by ${entry.height} pixels`, draggable: "false", decoding: "async" });
    const early = hasThumbnail(entry) && make("img", { alt: "", draggable: "false", src: thumbnail(entry.content, 256) });
    this.paper = make("div.stage-paper", { style: { "background-color": entry.colour ?? "transparent" } }, early, this.image);
    this.node = make("div.stage", { style: { "--ratio": `${entry.width} / ${entry.height}` } }, this.paper);
    this.image.addEventListener("load", () => this.image.classList.add("shown"));
    this.image.addEventListener("error", () => this.#missing(), { once: true });
    if (entry.files.every(({ offline }) => offline)) this.#missing();
    else this.image.src = address(`/contents/${entry.content}/view`, { side: this.side });
    this.#listen(signal);
    const fitted = new ResizeObserver(() => this.#fit());
    fitted.observe(this.node);
    signal.addEventListener("abort", () => fitted.disconnect());
  }

  /** Frame the part of the picture that matches, given in its pixels; null where there is none. */
  showPart(box) {
    const found = { ...this.entry, box };
    if (!isPart(found)) return;
    this.part = framePart(found);
    this.part.setAttribute("role", "img");
    this.part.setAttribute("aria-label", `It ${sayPart(found)}`);
    this.paper.append(this.part);
  }

  zoom(factor, point = [0, 0]) {
    const { scale, x, y } = this.#at;
    const next = Math.min(MOST, Math.max(1, scale * factor));
    const ratio = next / scale;
    Object.assign(this.#at, { scale: next, x: point[0] - (point[0] - x) * ratio, y: point[1] - (point[1] - y) * ratio });
    this.#show();
    announce(`Zoom ${Math.round(next * 100)} percent`);
  }

  whole() {
    Object.assign(this.#at, { scale: 1, x: 0, y: 0 });
    this.#show();
  }

  turn() {
    this.#at.turned += 90;
    this.whole();
    this.#fit();
    announce(`Turned ${this.#at.turned % 360} degrees, for the eye only`);
  }

  /** Make the paper as large as the stage lets it be, in the picture's own shape. */
  #fit() {
    const { width: wide, height: high } = this.node.getBoundingClientRect();
    const across = this.#at.turned % 180 !== 0;
    const [width, height] = [this.entry.width, this.entry.height];
    const room = across ? [high, wide] : [wide, high];
    // Small pictures are not blown up to more than four times their size.
    const scale = Math.min(room[0] / width, room[1] / height, 4);
    this.paper.style.setProperty("width", `${width * scale}px`);
    this.paper.style.setProperty("height", `${height * scale}px`);
    this.#show();
  }

  #show() {
    const at = this.#at;
    const { width, height } = this.node.getBoundingClientRect();
    const free = [Math.max(0, ((at.scale - 1) * width) / 2), Math.max(0, ((at.scale - 1) * height) / 2)];
    at.x = Math.min(free[0], Math.max(-free[0], at.x));
    at.y = Math.min(free[1], Math.max(-free[1], at.y));
    this.paper.style.setProperty("transform", `translate(${at.x}px, ${at.y}px) scale(${at.scale}) rotate(${at.turned}deg)`);
    this.paper.style.setProperty("--zoom", at.scale);
    this.node.classList.toggle("zoomed", at.scale > 1);
    if (at.scale > 1.5) this.#sharpen();
  }

  /** Fetch what a zoomed eye can see; the large view is shown meanwhile. */
  #sharpen() {
    const most = Math.max(this.entry.width, this.entry.height);
    if (this.side >= SIDES.at(-1) || this.side >= most) return;
    this.side = SIDES.at(-1);
    const finer = new Image();
    finer.addEventListener("load", () => { this.image.src = finer.src; });
    finer.src = address(`/contents/${this.entry.content}/view`, { side: this.side });
  }

  #missing() {
    this.image.remove();
    const why = this.entry.offline ? "The folder of this picture is not connected" : "No file with this picture is there any more";
    const shown = hasThumbnail(this.entry) ? "only its small version" : "nothing of it";
    this.node.append(make("p.stage-missing", { text: `${why}, so ${shown} can be shown.` }));
  }

  #listen(signal) {
    const { node } = this;
    const middle = (event) => {
      const { left, top, width, height } = node.getBoundingClientRect();
      return [event.clientX - left - width / 2, event.clientY - top - height / 2];
    };
    node.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && this.#at.scale === 1 && event.deltaY > 0) return;
      if (!event.ctrlKey && this.#at.scale === 1 && Math.abs(event.deltaY) < SLACK) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 400), middle(event));
    }, { passive: false, signal });
    node.addEventListener("dblclick", (event) => {
      if (this.#at.scale > 1) this.whole();
      else this.zoom(2.5, middle(event));
    }, { signal });
    node.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      node.setPointerCapture(event.pointerId);
      this.#pointers.set(event.pointerId, [event.clientX, event.clientY]);
    }, { signal });
    node.addEventListener("pointermove", (event) => this.#move(event, middle), { signal });
    for (const end of ["pointerup", "pointercancel"]) {
      node.addEventListener(end, (event) => this.#pointers.delete(event.pointerId), { signal });
    }
  }

  #move(event, middle) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    const others = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    this.#pointers.set(event.pointerId, now);
    if (others.length) {
      const apart = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1]);
      this.zoom(apart(now, others[0]) / Math.max(1, apart(before, others[0])), middle(event));
    } else if (this.#at.scale > 1) {
      this.#at.x += now[0] - before[0];
      this.#at.y += now[1] - before[1];
      this.#show();
    }
  }
}
