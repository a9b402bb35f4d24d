/** The backbones page: one question, answered by two recipes side by side. */

import { connection, sentence } from "../core/api.js";
import { make } from "../core/dom.js";
import { info } from "../core/gallery.js";
import { icon } from "../core/icons.js";
import { go, reopen } from "../core/router.js";
import { leaveTrail } from "../core/trail.js";
import { announce } from "../core/voice.js";
import { FilterBar } from "../filters/bar.js";
import { actOn } from "../grid/actions.js";
import { command, failure, quoted } from "../grid/empty.js";
import { Grid } from "../grid/window.js";
import { Answer } from "../search/answer.js";
import { Asked } from "../search/asked.js";
import { takeIn } from "../search/intake.js";
import { Question } from "../search/question.js";

const SHOWN = 40;
const PATH = "/backbones";

export async function openBackbones({ parameters, signal, place }) {
  document.title = "Backbones · imgsearch";
  const main = document.getElementById("main");
  main.replaceChildren();
  connection.addEventListener("back", reopen, { signal });
  let known;
  try {
    known = await info();
  } catch (error) {
    main.replaceChildren(failure(sentence(error), reopen));
    return null;
  }
  if (known.recipes.length < 2) {
    main.replaceChildren(onlyOne(known));
    return null;
  }
  const page = new BackbonesPage(main, known.recipes, signal);
  await page.show(parameters, place);
  return { update: ({ parameters: next, place: back }) => page.show(next, back) };
}

function onlyOne({ gallery }) {
  return make(
    "section.empty", {}, icon("backbones"), make("h1", { text: "One recipe so far" }),
    make("p", { text: "With a second set of embeddings, the same question can be answered by two networks side by side. Add one:" }),
    command(`imgsearch index --backbone mobilenet_v2 --gallery ${quoted(gallery)}`),
  );
}

class BackbonesPage {
  constructor(main, recipes, signal) {
    this.recipes = recipes;
    this.signal = signal;
    this.turn = new AbortController();
    const intake = takeIn({
      took: (picture, { beside }) => this.ask((beside ? this.question : this.question.with({ pictures: [] })).adding(picture)),
      working() {},
    }, signal);
    this.asked = new Asked({ change: (question) => this.ask(question), add: () => intake.choose({ beside: true }) }, signal);
    this.filters = new FilterBar((filters) => this.ask(this.question.with({ filters })), signal);
    this.sides = ["left", "right"].map((side) => this.#side(side));
    this.said = make("p.soft", { role: "status" });
    main.append(
      make("h1.unseen", { text: "The same question, answered by two backbones" }),
      make("div.search", {}, this.asked.node, make(
        "section", { "aria-label": "Two answers" }, make("div.results-head", {}, this.filters.node), this.said,
        make("div.sides", {}, ...this.sides.map(({ node }) => node)),
      )),
    );
  }

  #side(side) {
    const choice = make("select.field", { "aria-label": `Recipe on the ${side}` }, ...this.recipes.map(({ identifier, name }) => make("option", { value: identifier, text: name })));
    choice.addEventListener("change", () => this.ask(this.question, this.sides.map((one) => one.choice.value)));
    const body = make("div");
    return { choice, body, node: make("section", { "aria-label": `Answer on the ${side}` }, choice, body) };
  }

  ask(question, chosen = this.chosen) {
    const url = new URL(question.with({ recipe: null }).address(PATH), location.href);
    chosen.forEach((recipe) => url.searchParams.append("with", recipe));
    go(url.href);
  }

  async show(parameters, place) {
    this.turn.abort();
    this.turn = new AbortController();
    const signal = AbortSignal.any([this.signal, this.turn.signal]);
    this.question = Question.of(parameters);
    const wanted = parameters.getAll("with").filter((one) => this.recipes.some(({ identifier }) => identifier === one));
    this.chosen = [wanted[0] ?? this.recipes[0].identifier, wanted[1] ?? this.recipes[1].identifier];
    this.asked.show(this.question);
    this.filters.show(this.question.filters);
    this.sides.forEach(({ choice }, at) => { choice.value = this.chosen[at]; });
    if (!this.question.asks) {
      this.said.textContent = "Drop a picture, or add one, to see what each recipe finds.";
      this.sides.forEach(({ body }) => body.replaceChildren());
      return;
    }
    const answers = this.chosen.map((recipe) => new Answer(this.question.with({ recipe }), { signal, most: SHOWN }));
    await Promise.all(answers.map((answer) => answer.more()));
    if (signal.aborted) return;
    const found = answers.map(({ contents }) => new Set(contents));
    const shared = answers[0].contents.filter((content) => found[1].has(content)).length;
    this.said.textContent = `Of the first ${Math.max(answers[0].count, answers[1].count)}, ${shared} are the same. Those that only one recipe found say so.`;
    announce(this.said.textContent);
    answers.forEach((answer, at) => this.#showAnswer(this.sides[at].body, answer, found[1 - at], signal));
    window.scrollTo(0, place.scroll);
  }

  #showAnswer(body, answer, others, signal) {
    if (answer.error) {
      body.replaceChildren(failure(sentence(answer.error), reopen));
      return;
    }
    const grid = new Grid(answer, {
      label: "Pictures like it, the nearest first", target: 144, href: ({ content }) => `/content/${content}`,
      badge: ({ content }) => (others.has(content) ? null : "Only here"),
    }, signal);
    grid.node.classList.add("scored");
    actOn(grid, { likes: ({ content }) => this.ask(this.question.with({ pictures: [] }).adding({ content })) }, signal);
    grid.node.addEventListener("click", () => leaveTrail(answer, location.pathname + location.search), { signal });
    body.replaceChildren(grid.node);
    grid.arrange();
  }
}
