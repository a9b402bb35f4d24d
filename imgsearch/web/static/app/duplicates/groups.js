/** The groups of duplicates, fetched as they come into view. */

import { getJson, isStale } from "../core/api.js";

const PAGE = 50;

export class Groups extends EventTarget {
  #groups = [];
  #pages = new Set();

  constructor({ total, groups, ...summary }, { kind, signal }) {
    super();
    this.total = total;
    this.summary = summary;
    this.kind = kind;
    this.signal = signal;
    this.#groups.push(...groups);
    this.#pages.add(0);
  }

  /** Ask for the state of the search, and the first groups where there are some. */
  static ask({ kind, signal }) {
    return getJson("/duplicates", { kind, offset: 0, limit: PAGE }, { signal });
  }

  at(index) {
    return this.#groups[index] ?? null;
  }

  indexOf(id) {
    return this.#groups.findIndex((group) => group?.id === id);
  }

  /** Fetch the groups from `first` to before `end`; tells "more". */
  async want(first, end) {
    const last = Math.min(this.total, end) - 1;
    for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page += 1) {
      if (this.#pages.has(page)) continue;
      this.#pages.add(page);
      try {
        const { groups } = await getJson(
          "/duplicates", { kind: this.kind, offset: page * PAGE, limit: PAGE }, { signal: this.signal },
        );
        for (const [place, group] of groups.entries()) this.#groups[page * PAGE + place] = group;
        this.dispatchEvent(new Event("more"));
      } catch (error) {
        this.#pages.delete(page);
        if (!isStale(error)) this.dispatchEvent(new CustomEvent("failed", { detail: error }));
        return;
      }
    }
  }
}

/** All files of a group, the keeper first; the keeper carries no evidence. */
export const filesOf = (group) => [group.keeper, ...group.members];
