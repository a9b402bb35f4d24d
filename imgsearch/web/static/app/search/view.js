/** The search page. */

import { connection, sentence } from "../core/api.js";
import { button, make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { info } from "../core/gallery.js";
import { go } from "../core/router.js";
import { leaveTrail, forgetTrail } from "../core/trail.js";
import { announce } from "../core/voice.js";
import { counted, number } from "../core/words.js";
import { FilterBar } from "../filters/bar.js";
import { actOn } from "../grid/actions.js";
import { emptyGallery, failure, nothingFound } from "../grid/empty.js";
import { Grid } from "../grid/window.js";
import { Answer } from "./answer.js";
import { AnywhereSwitch } from "./anywhere.js";
import { Asked } from "./asked.js";
import { takeIn } from "./intake.js";
import { offered } from "./offered.js";
import { Question } from "./question.js";
import { canSayWhy, showWhy } from "./why.js";
import { WordsField } from "./words_field.js";

const SCORES = "imgsearch-scores";

const scoresAreOn = () => localStorage.getItem(SCORES) === "on";

export async function openSearch({ parameters, signal, place }) {
  const main = document.getElementById("main");
  const page = new SearchPage(main, signal);
  await page.show(Question.of(parameters), place);
  return {
    update: ({ parameters: next, place: back }) => page.show(Question.of(next), back),
  };
}

class SearchPage {
  constructor(main, signal) {
    this.main = main;
    this.signal = signal;
    this.turn = new AbortController();
    this.intake = takeIn({
      took: (picture, { beside }) => {
        const base = beside ? this.question : this.question.with({ pictures: [] });
        this.ask(base.adding(picture));
      },
      working: (on) => main.classList.toggle("receiving", on),
    }, signal);
    connection.addEventListener("back", () => this.show(this.question, { scroll: window.scrollY, tile: null }), { signal });
  }

  ask(question) {
    go(question.address());
  }

  async show(question, place) {
    this.question = question;
    this.turn.abort();
    this.turn = new AbortController();
    const signal = AbortSignal.any([this.signal, this.turn.signal]);
    if (question.pictures.length || question.words) await this.#showAnswer(question, signal, place);
    else await this.#showStart(question, signal, place);
  }

  // Before anything is asked

  async #showStart(question, signal, place) {
    this.asked = null;
    document.title = "Search · imgsearch";
    const choose = button("button.button.main", { icon: icon("picture"), text: "Choose a picture", click: () => this.intake.choose() });
    const drop = make(
      "section.start", { "aria-label": "Ask with a picture" },
      make(
        "div.start-drop", {}, icon("likes"), make("h1", { text: "Find the pictures that look like this one" }),
        make("p", { text: "Drop a picture anywhere on this page, paste one, or take one from your gallery below." }), choose,
      ),
    );
    this.main.replaceChildren(drop);
    try {
      const known = await info();
      if (signal.aborted) return;
      const words = new WordsField((text) => this.ask(question.with({ words: text })));
      words.show(question, known.recipes);
      drop.prepend(words.node);
      if (!known.contents) {
        this.main.append(emptyGallery(known));
        return;
      }
      const pictures = await offered(known.contents, { signal });
      if (!pictures.count) return;
      const grid = new Grid(pictures, {
        label: "Pictures of your gallery to begin with",
        href: ({ content }) => new Question().adding({ content }).address(),
      }, signal);
      actOn(grid, { likes: ({ content }) => this.ask(new Question().adding({ content })) }, signal);
      this.main.append(make("section.start-likes", {}, make("h2", { text: "Or begin with one of these" }), grid.node));
      grid.arrange();
      grid.restore(place);
    } catch (error) {
      if (!signal.aborted) this.main.append(failure(sentence(error)));
    }
  }

  // What a question found

  #build() {
    const { signal } = this;
    this.asked = new Asked({ change: (question) => this.ask(question), add: () => this.intake.choose({ beside: true }) }, signal);
    this.anywhere = new AnywhereSwitch((anywhere) => this.ask(this.question.with({ anywhere })));
    this.asked.tools.after(this.anywhere.node);
    this.filters = new FilterBar((filters) => this.ask(this.question.with({ filters })), signal);
    this.said = make("div.results-said");
    this.more = make("div.grid-more");
    this.results = make("section.results", { "aria-label": "Pictures like it" });
    const scores = button("button.toggle", {
      text: "Scores", "aria-pressed": String(scoresAreOn()),
      title: "Show how near each picture is (cosine similarity, 1 is the same), and how it is the same",
      click: () => this.#switchScores(),
    });
    this.scores = scores;
    this.recipes = make("select.recipes", { "aria-label": "Recipe", title: "Which network's embeddings are searched", hidden: true });
    this.recipes.addEventListener("change", () => this.ask(this.question.with({ recipe: this.recipes.value || null })), { signal });
    this.line = make("div.results-line", {}, this.said, this.recipes);
    this.words = new WordsField((text) => this.ask(this.question.with({ words: text })));
    this.results.append(make("div.results-head", {}, this.filters.node, scores), this.line);
    this.main.replaceChildren(
      make("h1.unseen", { text: "Pictures that look like the one in hand" }),
      this.words.node, make("div.search", {}, this.asked.node, this.results),
    );
    this.grid = null;
  }

  async #showAnswer(question, signal, place) {
    if (!this.asked) this.#build();
    document.title = "Likes · imgsearch";
    this.asked.show(question);
    this.filters.show(question.filters);
    if (!question.asks) {
      this.#settle([make("p", { text: "Every picture here is one to stay away from. Add one to look for, or turn a sign round." })]);
      return;
    }
    this.results.classList.add("waiting");
    const known = await info();
    this.#showRecipes(known.recipes);
    this.words.show(question, known.recipes);
    this.anywhere.show(question, known.recipes);
    const answer = new Answer(question, { signal, most: known.limits.matches, kinds: scoresAreOn() });
    await answer.more();
    if (signal.aborted) return;
    this.results.classList.remove("waiting");
    if (answer.error) {
      this.#settle([failure(sentence(answer.error), () => this.show(question, place))]);
    } else if (!answer.count) {
      this.#settle([nothingFound(Object.keys(question.filters).length ? () => this.ask(question.with({ filters: {} })) : null)]);
      announce("No pictures found.");
    } else {
      this.#showGrid(answer, signal);
      await this.#comeBack(answer, place, signal);
    }
  }

  /** Offer the recipes where there are several; the primary one is what an address without any asks. */
  #showRecipes(recipes) {
    this.recipes.hidden = recipes.length < 2;
    this.recipes.replaceChildren(...recipes.map(({ identifier, name, primary }) => make("option", { value: primary ? "" : identifier, text: name })));
    const asked = recipes.find(({ identifier }) => identifier === this.question.recipe);
    this.recipes.value = !asked || asked.primary ? "" : asked.identifier;
  }

  /** Fetch as far as the page was scrolled when it was left, and scroll there. */
  async #comeBack(answer, place, signal) {
    while (!signal.aborted && !answer.ended && !answer.error && document.documentElement.scrollHeight < place.scroll + window.innerHeight) {
      await answer.more();
    }
    if (!signal.aborted) this.grid.restore(place);
  }

  #showGrid(answer, signal) {
    if (this.grid?.node.isConnected) {
      this.grid.replace(answer);
    } else {
      this.grid = new Grid(answer, {
        label: "Pictures like it, the nearest first",
        href: ({ content }) => `/content/${content}`,
      }, this.signal);
      actOn(this.grid, {
        likes: ({ content }) => this.ask(this.question.with({ pictures: [] }).adding({ content })),
        add: ({ content }, minus) => this.ask(this.question.adding({ content, minus })),
        why: (entry) => canSayWhy(this.question) && showWhy(this.question, entry, this.signal),
      }, this.signal);
      this.grid.node.addEventListener("click", (event) => {
        if (event.target.closest(".tile > a")) leaveTrail(this.grid.source, this.question.address());
        else forgetTrail();
      }, { signal: this.signal });
      this.#settle([this.grid.node, this.more]);
      this.#showScores();
      this.grid.arrange();
    }
    this.#say(answer);
    announce(`${answer.ended ? counted(answer.count, "picture") : `The nearest ${answer.count} pictures`} found.`);
    answer.addEventListener("more", () => {
      this.grid.arrange();
      this.#say(answer);
    }, { signal });
    answer.addEventListener("failed", () => {
      this.more.replaceChildren(failure(sentence(answer.error)));
    }, { signal });
  }

  #say(answer) {
    const count = answer.ended ? `${counted(answer.count, "picture")}, the nearest first` : "The nearest first";
    this.said.replaceChildren(make("span", { text: count }), ...answer.remarks.map((text) => make("span", { text })));
    this.more.textContent = answer.ended ? `That is all: ${number(answer.count)}` : "Looking further…";
  }

  #settle(nodes) {
    this.results.classList.remove("waiting");
    while (this.line.nextSibling) this.line.nextSibling.remove();
    this.said.replaceChildren();
    this.results.append(...nodes);
  }

  #switchScores() {
    localStorage.setItem(SCORES, scoresAreOn() ? "off" : "on");
    this.#showScores();
    // How each is the same costs more than the answer, and so was not asked before.
    const shown = this.grid?.source;
    if (scoresAreOn() && shown && this.question.isWhole && !shown.kinds) {
      this.show(this.question, { scroll: window.scrollY, tile: null });
    }
  }

  #showScores() {
    const on = scoresAreOn();
    this.scores.setAttribute("aria-pressed", String(on));
    this.grid?.node.classList.toggle("scored", on);
  }
}
