/** The switch that has parts of pictures searched, too, where the recipe that is asked has some. */

import { freshId, make } from "../core/dom.js";

export class AnywhereSwitch {
  /** @param {(on: boolean) => void} ask called when the switch was turned */
  constructor(ask) {
    const note = freshId("anywhere");
    this.box = make("input", {
      type: "checkbox", "aria-describedby": note, on: { change: () => ask(this.box.checked) },
    });
    this.note = make("p.soft", { id: note });
    this.node = make(
      "div.anywhere", { hidden: true },
      make("label.check", {}, this.box, make("span", { text: "Find it anywhere in pictures" })), this.note,
    );
  }

  /** Show it; one that is on can be turned off, also where the recipe has no parts. */
  show(question, recipes) {
    const asked = recipes.find(({ identifier }) => identifier === question.recipe) ?? recipes.find(({ primary }) => primary);
    this.node.hidden = !asked?.regions && !question.anywhere;
    this.box.checked = question.searchesParts;
    this.box.disabled = Boolean(question.words);
    this.note.textContent = question.words
      ? "Words are looked for in whole pictures."
      : "Parts of pictures are searched, too. A frame shows the part that matches; without one, the whole does.";
  }
}
