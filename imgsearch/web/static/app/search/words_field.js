/** The field in which a question is asked in words, where the recipe that is asked takes words. */

import { make } from "../core/dom.js";
import { icon } from "../core/icons.js";

export class WordsField {
  /** @param {(text: string) => void} ask called with what was typed, "" once it was emptied */
  constructor(ask) {
    this.field = make("input.field", { type: "search", maxlength: 1000, "aria-label": "Describe what you look for", placeholder: "Two dogs on a beach", autocomplete: "off" });
    this.node = make(
      "form.words", { role: "search", hidden: true, on: { submit: (event) => { event.preventDefault(); ask(this.field.value.trim()); } } },
      this.field, make("button.button", { type: "submit" }, icon("search"), make("span", { text: "Find" })),
    );
  }

  show(question, recipes) {
    const asked = recipes.find(({ identifier }) => identifier === question.recipe) ?? recipes.find(({ primary }) => primary);
    this.node.hidden = !asked?.words && !question.words;
    this.field.value = question.words;
  }
}
