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
  #open = null;

  /** @param {Function} change called with the new filters */
  constructor(change, signal) {
    this.change = change;
    this.signal = signal;
    this.node = make("div.chips", { role: "group", "aria-label": "Filters" });
    signal.addEventListener("abort", () => closePopover({ focus: false }));
  }

  /** Show which filters are on; an open window is left as it is. */
  show(filters) {
    this.filters = filters;
    if (this.#open) this.#say(this.#open.chip, this.#open.filter);
    const focused = [...this.node.children].findIndex((chip) => chip.contains(document.activeElement));
    if (this.#open) return;
    const chips = FILTERS.map((filter) => this.#chip(filter));
    if (FILTERS.some((filter) => filter.says(filters))) {
      chips.push(make("div.chip", {}, button("button", { text: "Clear all", click: () => this.change({}) })));
    }
    this.node.replaceChildren(...chips);
    if (focused >= 0) (chips[focused] ?? chips.at(-1)).querySelector("button").focus();
  }

  #chip(filter) {
    const chip = make("div.chip");
    this.#say(chip, filter);
    return chip;
  }

  #say(chip, filter) {
    const said = filter.says(this.filters);
    chip.classList.toggle("on", Boolean(said));
    const opener = chip.querySelector("button") ?? button("button", {
      "aria-haspopup": "dialog", "aria-expanded": "false", click: (event) => this.#toggle(filter, event.currentTarget),
    });
    opener.setAttribute("aria-label", said ? `${filter.label}: ${said}` : filter.label);
    opener.replaceChildren(make("span", { text: said ?? filter.label }), ...(said ? [] : [icon("down")]));
    const off = said && button("button.off", {
      icon: icon("close"), "aria-label": `Take away the filter ${filter.label}: ${said}`,
      click: () => {
        closePopover({ focus: false });
        this.#apply(filter, {});
      },
    });
    chip.replaceChildren(opener, ...(off ? [off] : []));
  }

  async #toggle(filter, opener) {
    const body = make("div", {}, make("h2", { text: filter.label }), make("p.soft", { text: "Looking…" }));
    const chip = opener.parentElement;
    const opened = openPopover(opener, filter.label, [body], {
      closed: () => {
        this.#open = null;
        this.show(this.filters);
      },
    });
    if (!opened) return;
    this.#open = { filter, chip };
    opened.tabIndex = -1;
    opened.focus();
    try {
      const others = Object.fromEntries(Object.entries(this.filters).filter(([key]) => !filter.keys.includes(key)));
      const facets = filter.needs === "facets" ? await getJson("/facets", others, { signal: this.signal }) : null;
      const nodes = await filter.build({
        filters: this.filters, facets, signal: this.signal, apply: (given) => this.#apply(filter, given),
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
    const next = { ...this.filters };
    for (const key of filter.keys) delete next[key];
    this.change(Object.assign(next, given));
  }
}
