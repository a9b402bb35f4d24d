/** The browse page: everything by capture time or by folder. */

import { connection, sentence } from "../core/api.js";
import { button, make } from "../core/dom.js";
import { info } from "../core/gallery.js";
import { go } from "../core/router.js";
import { forgetTrail } from "../core/trail.js";
import { announce, toast } from "../core/voice.js";
import { counted, month, number } from "../core/words.js";
import { FilterBar } from "../filters/bar.js";
import { learnFolders } from "../filters/folders.js";
import { actOn } from "../grid/actions.js";
import { emptyGallery, failure, nothingFound } from "../grid/empty.js";
import { Grid } from "../grid/window.js";
import { filtersOf, Question, writeFilters } from "../search/question.js";
import { Scrubber } from "./scrubber.js";
import { Timeline } from "./timeline.js";
import { unreadableNotice } from "./unreadable.js";

const ORDERS = [["taken", "By time"], ["path", "By folder"]];
const WATCH = 15_000;

export async function openBrowse({ parameters, signal, place }) {
  const page = new BrowsePage(document.getElementById("main"), signal);
  await page.show(parameters, place);
  return { update: ({ parameters: next, place: back }) => page.show(next, back) };
}

class BrowsePage {
  constructor(main, signal) {
    document.title = "Browse · imgsearch";
    this.signal = signal;
    this.turn = new AbortController();
    this.filters = new FilterBar((filters) => go(this.#address({ filters })), signal);
    this.orders = make("div.segments", { role: "group", "aria-label": "Order" }, ...ORDERS.map(([order, text]) => button("button", {
      text, "data-order": order, click: () => go(this.#address({ order })),
    })));
    this.count = make("span.soft");
    this.notice = make("div.browse-notice");
    this.body = make("div.browse-body");
    main.replaceChildren(
      make("h1.unseen", { text: "All pictures" }),
      make("div.results-head.browse-head", {}, this.orders, this.filters.node, this.count), this.notice, this.body,
    );
    connection.addEventListener("back", () => this.#again(), { signal });
    this.#watch();
  }

  #address({ order = this.order, filters = this.given }) {
    const parameters = writeFilters(filters, new URLSearchParams(order === "taken" ? {} : { order }));
    const text = parameters.toString();
    return text ? `/browse?${text}` : "/browse";
  }

  #again() {
    return this.show(this.parameters, { scroll: window.scrollY, tile: null });
  }

  async show(parameters, place) {
    this.turn.abort();
    this.turn = new AbortController();
    const signal = AbortSignal.any([this.signal, this.turn.signal]);
    this.parameters = parameters;
    this.order = parameters.get("order") === "path" ? "path" : "taken";
    this.given = filtersOf(parameters);
    this.filters.show(this.given);
    for (const choice of this.orders.children) choice.setAttribute("aria-pressed", String(choice.dataset.order === this.order));
    let known;
    let timeline;
    try {
      [known, timeline] = await Promise.all([info(), Timeline.of({ order: this.order, filters: this.given, signal })]);
    } catch (error) {
      if (!signal.aborted) this.body.replaceChildren(failure(sentence(error), () => this.#again()));
      return;
    }
    if (signal.aborted) return;
    this.notice.replaceChildren(...unreadableNotice(known, this.signal));
    this.count.textContent = counted(timeline.count, "picture");
    announce(counted(timeline.count, "picture"));
    if (!timeline.count) {
      const filtered = Object.keys(this.given).length > 0;
      this.body.replaceChildren(
        filtered ? nothingFound(() => go(this.#address({ filters: {} }))) : emptyGallery(known),
      );
      return;
    }
    if (this.order === "path") learnFolders(timeline.sections.map(({ key, name }) => ({ folder: key, name })));
    this.#showGrid(timeline, signal, place);
  }

  #showGrid(timeline, signal, place) {
    const suffix = this.#address({}).slice("/browse".length);
    const grid = new Grid(timeline, {
      label: this.order === "taken" ? "All pictures, the latest first" : "All pictures, by folder",
      href: ({ content }) => `/content/${content}${suffix}`,
      heading: (section) => heading(section, this.order),
    }, signal);
    actOn(grid, { likes: ({ content }) => go(new Question().adding({ content }).address()) }, signal);
    grid.node.addEventListener("click", forgetTrail, { signal });
    timeline.addEventListener("more", () => grid.refresh());
    timeline.addEventListener("changed", () => this.#again(), { once: true });
    timeline.addEventListener("failed", ({ detail }) => toast(sentence(detail)), { once: true });
    const scrubber = new Scrubber(grid, (section) => (this.order === "taken" ? month(section.key) : section.name), this.order, signal);
    this.body.replaceChildren(grid.node, scrubber.node);
    this.timeline = timeline;
    grid.arrange();
    grid.restore(place);
  }

  /** Take over what an index run in another process has added. */
  #watch() {
    const timer = setInterval(async () => {
      if (document.hidden || !this.timeline) return;
      try {
        const { generation } = await info({ fresh: true });
        if (generation !== this.timeline.generation) this.#again();
      } catch {
        // The line beneath the bar says so.
      }
    }, WATCH);
    this.signal.addEventListener("abort", () => clearInterval(timer));
  }
}

function heading(section, order) {
  const text = order === "taken" ? month(section.key) : section.name;
  return [
    make("h2", { text, title: order === "path" ? section.path : null }),
    make("span", { text: number(section.count) }),
  ];
}
