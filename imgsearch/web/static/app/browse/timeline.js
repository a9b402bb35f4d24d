/** Every picture of the gallery, by time or by folder, as a source of a grid: shapes first, entries as they are seen. */

import { getJson, isStale } from "../core/api.js";

const PAGE = 200;
const PAUSE = 70;
const KEPT = 60;

export class Timeline extends EventTarget {
  #pages = new Map();
  #wanted = null;

  /** Fetch the shapes of all of it. */
  static async of({ order, filters, signal }) {
    const answer = await getJson("/timeline", { order, ...filters }, { signal });
    return new Timeline(answer, { order, filters, signal });
  }

  constructor({ generation, total, ratios, sections }, { order, filters, signal }) {
    super();
    this.generation = generation;
    this.count = total;
    this.ratios = ratios;
    this.order = order;
    this.filters = filters;
    this.signal = signal;
    let first = 0;
    this.sections = sections.map((section) => {
      const placed = { ...section, first };
      first += section.count;
      return placed;
    });
  }

  ratio(index) {
    return this.ratios[index] / 100;
  }

  entry(index) {
    const page = this.#pages.get(Math.floor(index / PAGE));
    return page?.entries?.[index % PAGE] ?? null;
  }

  /** Fetch the entries from `first` to before `end`; at once when the page rests, else when it does. */
  want(first, end) {
    this.#wanted = [Math.floor(first / PAGE), Math.floor((end - 1) / PAGE)];
    const now = performance.now();
    const busy = now - (this.last ?? 0) < PAUSE;
    this.last = now;
    clearTimeout(this.pause);
    if (busy) this.pause = setTimeout(() => this.#fetch(), PAUSE);
    else this.#fetch();
  }

  #fetch() {
    const [from, to] = this.#wanted;
    for (const [page, { leave, entries }] of this.#pages) {
      if (page >= from && page <= to) continue;
      if (!entries) leave.abort();
      if (!entries || this.#pages.size > KEPT) this.#pages.delete(page);
    }
    for (let page = from; page <= to; page += 1) if (!this.#pages.has(page)) this.#load(page);
  }

  async #load(page) {
    const held = { leave: new AbortController(), entries: null };
    this.#pages.set(page, held);
    const signal = AbortSignal.any([this.signal, held.leave.signal]);
    try {
      const { order, filters } = this;
      const found = await getJson("/contents", { order, offset: page * PAGE, limit: PAGE, ...filters }, { signal });
      held.entries = found.contents;
      if (found.generation !== this.generation) this.dispatchEvent(new Event("changed"));
      else this.dispatchEvent(new Event("more"));
    } catch (error) {
      this.#pages.delete(page);
      if (!isStale(error)) this.dispatchEvent(new CustomEvent("failed", { detail: error }));
    }
  }
}
