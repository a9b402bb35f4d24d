/** Two pictures of a group: side by side, or one over the other with a slider between them. */

import { address } from "../core/api.js";
import { make } from "../core/dom.js";
import { thumbnail } from "../grid/tile.js";

const SIDE = 2048;
const MIDDLE = 50;

export class Comparison {
 
  #pair = [null, null];

  constructor(signal) {
    this.overlaid = false;
    this.split = MIDDLE;
    this.beside = make("div.beside");
    this.lower = make("div.overlay-lower");
    this.upper = make("div.overlay-upper");
    this.paper = make("div.overlay-paper", {}, this.lower, make("div.overlay-clip", {}, this.upper));
    this.slider = make("input.overlay-slider", { type: "range", min: 0, max: 100, value: MIDDLE, "aria-label": "How much of the first picture is shown" });
    this.overlay = make("div.overlay", { hidden: true }, this.paper, this.slider);
    this.node = make("div.comparison", {}, this.beside, this.overlay);
    this.slider.addEventListener("input", () => this.#splitAt(Number(this.slider.value)));
    this.#listen();
    const resized = new ResizeObserver(() => this.#fit());
    resized.observe(this.node);
    signal.addEventListener("abort", () => resized.disconnect());
  }

  /** Show a keeper and a member; `captions` stand beneath them. */
  show(keeper, member, captions) {
    const same = this.#pair[0] === keeper.path && this.#pair[1] === member.path;
    this.#pair = [keeper.path, member.path];
    this.transform = member.transform ?? null;
    if (!same) {
      this.keeper = keeper;
      this.member = member;
      this.pictures = [keeper, member].map((file) => picture(file));
      this.figures = this.pictures.map((node) => make("div.beside-picture", {}, node));
      this.lower.replaceChildren(picture(member));
      this.upper.replaceChildren(picture(keeper));
    }
    this.beside.replaceChildren(...this.figures.map((figure, at) => make("figure", {}, figure, captions[at])));
    this.#fit();
  }

  /** Lay them over each other, or side by side. */
  layOver(on) {
    this.overlaid = on;
    this.beside.hidden = on;
    this.overlay.hidden = !on;
    this.#fit();
  }

  #splitAt(split) {
    this.split = split;
    this.slider.value = split;
    this.paper.style.setProperty("--split", `${split}%`);
  }

  #listen() {
    const { paper } = this;
    const at = (event) => {
      const { left, width } = paper.getBoundingClientRect();
      return Math.min(100, Math.max(0, ((event.clientX - left) / width) * 100));
    };
    paper.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      paper.setPointerCapture(event.pointerId);
      this.#splitAt(at(event));
    });
    paper.addEventListener("pointermove", (event) => {
      if (paper.hasPointerCapture(event.pointerId)) this.#splitAt(at(event));
    });
  }

  /** Give both pictures their place, in px of the keeper times one scale. */
  #fit() {
    if (!this.overlaid || !this.keeper) return;
    const { width, height } = this.keeper;
    const room = this.overlay.getBoundingClientRect();
    const scale = Math.min(room.width / width, (room.height - this.slider.offsetHeight - 8) / height);
    if (!(scale > 0)) return;
    this.paper.style.setProperty("width", `${width * scale}px`);
    this.paper.style.setProperty("height", `${height * scale}px`);
    this.#splitAt(this.split);
    const { member } = this;
    // Without a transform the member is stretched over the keeper.
    const [a, b, c, d, e, f] = this.transform ?? [width / member.width, 0, 0, 0, height / member.height, 0];
    const lower = this.lower.firstChild;
    lower.style.setProperty("width", `${member.width}px`);
    lower.style.setProperty("height", `${member.height}px`);
    lower.style.setProperty("transform", `scale(${scale}) matrix(${a}, ${d}, ${b}, ${e}, ${c}, ${f})`);
  }
}

function picture({ content, width, height, colour }) {
  const large = make("img.stage-large", { alt: "", draggable: "false", decoding: "async", src: address(`/contents/${content}/view`, { side: SIDE }) });
  large.addEventListener("load", () => large.classList.add("shown"), { once: true });
  return make(
    "div.compared", { style: { "--ratio": `${width} / ${height}`, "background-color": colour ?? "" } },
    make("img", { alt: "", draggable: "false", src: thumbnail(content, 256) }), large,
  );
}
