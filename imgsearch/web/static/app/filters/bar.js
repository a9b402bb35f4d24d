/** The row of filters: a chip each, which says what is let through and opens to change it. */

import { getJson, isStale, sentence } from "../core/api.js";
import { button, make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { closePopover, openPopover } from "../core/popover.js";
import { cameras, formats, lenses } from "./choices.js";
import { dates } from "./dates.js";
import { folders } from "./folders.js";
import { place } from "./place.js";
import { size } from "./size.js";

/**
 * Each has a `label`, the `keys` of the filters that it owns, `says(filters)` (null when it lets all
 * through) and `build({filters, facets, apply})`, which gives the nodes of its window.
 */
const FILTERS = [dates, folders, cameras, lenses, place, formats, size];

export class FilterBar {
  #filters = {};

  /** @param {Function} change called with the new filters */
  constructor(change, signal) {
    this.change = change;
    this.signal = signal;
    this.chips = FILTERS.map((filter) => this.#chip(filter));
    this.clear = make("div.chip", { hidden: true }, button("button", { text: "Clear all", click: () => this.change({}) }));
    this.node = make("div.chips", { role: "group", "aria-label": "Filters" }, ...this.chips, this.clear);
    signal.addEventListener("abort", () => closePopover({ focus: false }));
  }

  /** Show which filters are on; an open window is left as it is. */
  show(filters) {
    this.#filters = filters;
    FILTERS.forEach((filter, at) => this.#say(this.chips[at], filter));
    const held = this.clear.contains(document.activeElement);
    this.clear.hidden = FILTERS.every((filter) => !filter.says(filters));
    if (held && this.clear.hidden) this.chips[0].firstChild.focus();
  }

  #chip(filter) {
    const opener = button("button", {
      "aria-haspopup": "dialog", "aria-expanded": "false", click: ({ currentTarget }) => this.#toggle(filter, currentTarget),
    });
    return make("div.chip", {}, opener);
  }

  #say(chip, filter) {
    const said = filter.says(this.#filters);
    const [opener, off] = chip.children;
    chip.classList.toggle("on", Boolean(said));
    opener.setAttribute("aria-label", said ? `${filter.label}: ${said}` : filter.label);
    opener.replaceChildren(make("span", { text: said ?? filter.label }), ...(said ? [] : [icon("down")]));
    if (!said && off) {
      if (off === document.activeElement) opener.focus();
      off.remove();
    } else if (said) {
      const name = `Take away the filter ${filter.label}: ${said}`;
      if (off) off.setAttribute("aria-label", name);
      else chip.append(button("button.off", { icon: icon("close"), "aria-label": name, click: () => this.#apply(filter, {}) }));
    }
  }

  async #toggle(filter, opener) {
    const body = make("div", {}, make("h2", { text: filter.label }), make("p.soft", { text: "Looking…" }));
    const opened = openPopover(opener, filter.label, [body]);
    if (!opened) return;
    opened.tabIndex = -1;
    opened.focus();
    try {
      // What there is to choose from is what the other filters let through.
      const others = Object.fromEntries(Object.entries(this.#filters).filter(([key]) => !filter.keys.includes(key)));
      const facets = filter.needs === "facets" ? await getJson("/facets", others, { signal: this.signal }) : null;
      const nodes = await filter.build({
        filters: this.#filters, facets, signal: this.signal, apply: (given) => this.#apply(filter, given),
      });
      body.replaceChildren(make("h2", { text: filter.label }), ...nodes);
    } catch (error) {
      if (!isStale(error)) body.lastChild.textContent = sentence(error);
    }
    if (document.activeElement === opened) {
      opened.querySelector("input, select, button")?.focus();
    }
  }

  /** Take over what one filter gives; what it does not give is let through. */
  #apply(filter, given) {
    const next = { ...this.#filters };
    for (const key of filter.keys) delete next[key];
    this.change(Object.assign(next, given));
  }
}
