/** The list of groups at the left; only those in view exist. */

import { make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { counted, fileName } from "../core/words.js";
import { thumbnail } from "../grid/tile.js";
import { decisions } from "./decisions.js";
import { filesOf } from "./groups.js";
import { certain, kindName } from "./words.js";

const ROW = 72;
const AHEAD = 4;

export class GroupList {
  /** @param {Function} choose called with the index of the group that is clicked */
  constructor(groups, choose, signal) {
    this.groups = groups;
    this.rows = new Map();
    this.chosen = 0;
    this.inner = make("div", {
      role: "listbox", "aria-label": "Groups of duplicates", tabindex: 0, style: { height: `${groups.total * ROW}px` },
    });
    this.node = make("div.groups", {}, this.inner);
    this.node.addEventListener("scroll", () => this.draw(), { passive: true });
    this.inner.addEventListener("click", (event) => {
      const row = event.target.closest("[data-index]");
      if (row) choose(Number(row.dataset.index));
    });
    groups.addEventListener("more", () => this.refresh(), { signal });
    decisions.addEventListener("change", () => this.refresh(), { signal });
    const resized = new ResizeObserver(() => this.draw());
    resized.observe(this.node);
    signal.addEventListener("abort", () => resized.disconnect());
  }

  /** Make one the chosen group, and bring it into view. */
  choose(index) {
    this.chosen = index;
    const top = index * ROW;
    if (top < this.node.scrollTop) this.node.scrollTop = top;
    else if (top + ROW > this.node.scrollTop + this.node.clientHeight) this.node.scrollTop = top + ROW - this.node.clientHeight;
    this.draw();
    this.refresh();
  }

  draw() {
    const first = Math.max(0, Math.floor(this.node.scrollTop / ROW) - AHEAD);
    const end = Math.min(this.groups.total, Math.ceil((this.node.scrollTop + this.node.clientHeight) / ROW) + AHEAD);
    for (const [index, row] of this.rows) {
      if ((index < first || index >= end) && index !== this.chosen) {
        row.remove();
        this.rows.delete(index);
      }
    }
    for (let index = first; index < end; index += 1) if (!this.rows.has(index)) this.#add(index);
    this.groups.want(first, end);
  }

  refresh() {
    for (const [index, row] of this.rows) this.#fill(row, index);
    this.inner.setAttribute("aria-activedescendant", `group-${this.chosen}`);
  }

  #add(index) {
    const row = make("div.group", {
      role: "option", id: `group-${index}`, "data-index": index, "aria-setsize": this.groups.total, "aria-posinset": index + 1,
      style: { top: `${index * ROW}px` },
    });
    this.rows.set(index, row);
    this.#fill(row, index);
    const after = [...this.inner.children].find((other) => Number(other.dataset.index) > index);
    this.inner.insertBefore(row, after ?? null);
  }

  #fill(row, index) {
    row.setAttribute("aria-selected", String(index === this.chosen));
    const group = this.groups.at(index);
    if (!group) return;
    const done = decisions.isDone(group);
    row.classList.toggle("done", done);
    if (row.dataset.id !== group.id) {
      row.dataset.id = group.id;
      const { keeper } = group;
      row.replaceChildren(
        make("img", { src: thumbnail(keeper.content, 56), alt: "", loading: "lazy", style: { "background-color": keeper.colour ?? "" } }),
        make(
          "span", {}, make("strong", { text: fileName(keeper.path) }),
          make("span.soft", { text: `${kindName(group.kind)} · ${counted(filesOf(group).length, "file")} · ${certain(group.certainty)}` }),
        ),
        make("span.group-done", {}, icon("check"), make("span.unseen", { text: "decided" })),
      );
    }
    row.lastChild.hidden = !done;
  }
}
