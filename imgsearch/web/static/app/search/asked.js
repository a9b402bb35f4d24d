/** The panel of the pictures asked about: the one in hand large, with its frame, all of them below. */

import { button, make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { address, sentence } from "../core/api.js";
import { thumbnail } from "../grid/tile.js";
import { makeFrame } from "./frame.js";
import { uploadView } from "./uploads.js";

const LARGE = 1024;

/**
 * @param {{change: Function, add: Function}} tell `change(question)` with the question that the person
 *   made of it, `add(minus)` to bring another picture
 */
export class Asked {
  #chosen = null;
  #frame = null;
  #shown = "";

  constructor({ change, add }, signal) {
    this.change = change;
    this.add = add;
    this.signal = signal;
    this.large = make("div.asked-large");
    this.tools = make("div.asked-tools");
    this.list = make("ul.asked-list", { "aria-label": "Pictures asked about" });
    this.node = make("section.asked", { "aria-label": "The question" }, this.large, this.tools, this.list);
  }

  /** Show a question. */
  show(question) {
    this.question = question;
    const { pictures } = question;
    if (!pictures.some(({ content }) => content === this.#chosen)) {
      this.#chosen = (pictures.find(({ minus }) => !minus) ?? pictures[0])?.content ?? null;
    }
    const one = pictures.find(({ content }) => content === this.#chosen);
    this.#showLarge(one);
    this.#showTools(one);
    this.#showList(pictures);
  }

  #showLarge(one) {
    if (!one) {
      this.#shown = "";
      this.large.replaceChildren();
      return;
    }
    if (this.#shown === one.content) {
      this.#frame.show(one.crop);
      return;
    }
    this.#shown = one.content;
    const image = make("img", { alt: "The picture asked about", draggable: "false" });
    this.#frame = makeFrame(image, {
      crop: one.crop,
      change: (crop) => this.change(this.question.changing(one.content, { crop })),
    });
    this.large.replaceChildren(this.#frame.stage);
    this.#load(image, one, () => address(`/contents/${one.content}/view`, { side: LARGE }));
  }

  async #load(image, { content, file }, own) {
    const missing = (text) => image.replaceWith(make("p.asked-missing", { text }));
    image.addEventListener("error", () => missing("It cannot be shown: its file is not there now."), { once: true });
    try {
      image.src = file ? await uploadView(content, { signal: this.signal }) : own();
    } catch (error) {
      if (!this.signal.aborted) missing(sentence(error));
    }
  }

  #showTools(one) {
    const tools = [];
    if (one?.crop) {
      tools.push(button("button.button.quiet", { icon: icon("whole"), text: "Whole picture", click: () => this.#frame.clear() }));
    } else if (one) {
      tools.push(button("button.button.quiet", {
        icon: icon("frame"), text: "Frame a part", title: "Or draw a frame on the picture", click: () => this.#frame.begin(),
      }));
    }
    tools.push(button("button.button.quiet", {
      icon: icon("plus"), text: "Add", "aria-label": "Add a picture", title: "Add a picture to the question", click: () => this.add(),
    }));
    if (one && this.question.pictures.length === 1) {
      tools.push(button("button.button.quiet.round", {
        icon: icon("close"), title: "Begin anew", "aria-label": "Take the picture out of the question",
        click: () => this.change(this.question.without(one.content)),
      }));
    }
    // The focus stays where a press of these buttons left it.
    const held = [...this.tools.children].indexOf(document.activeElement);
    this.tools.replaceChildren(...tools);
    this.tools.children[held]?.focus();
  }

  #showList(pictures) {
    this.list.hidden = pictures.length < 2;
    this.list.replaceChildren(...pictures.map((one, index) => this.#item(one, index)));
  }

  #item(one, index) {
    const { content, minus } = one;
    const name = `picture ${index + 1}`;
    const image = make("img", { alt: "", draggable: "false" });
    this.#load(image, one, () => thumbnail(content, 128));
    const shown = button("button.asked-one", {
      icon: image, "aria-pressed": String(content === this.#chosen), "aria-label": `Show ${name}`,
      click: () => {
        this.#chosen = content;
        this.show(this.question);
        this.list.children[index].querySelector(".asked-one").focus();
      },
    });
    const sign = button("button.asked-sign", {
      icon: icon(minus ? "minus" : "plus"),
      title: minus ? "Unlike this one" : "Like this one",
      "aria-label": minus ? `Unlike ${name}: turn into like` : `Like ${name}: turn into unlike`,
      click: () => this.change(this.question.changing(content, { minus: !minus })),
    });
    const off = button("button.asked-off", {
      icon: icon("close"), title: "Take it out of the question", "aria-label": `Take ${name} out of the question`,
      click: () => this.change(this.question.without(content)),
    });
    return make(minus ? "li.minus" : "li", {}, shown, sign, off);
  }
}
