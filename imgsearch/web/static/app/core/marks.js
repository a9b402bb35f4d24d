/** The pictures that are marked, in the order of marking; they last as long as the tab. */

const KEY = "imgsearch-marked";
const KEPT = ["content", "path", "width", "height", "colour"];

class Marks extends EventTarget {
  #entries = new Map();

  constructor() {
    super();
    try {
      for (const entry of JSON.parse(sessionStorage.getItem(KEY) ?? "[]")) this.#entries.set(entry.content, entry);
    } catch {
      sessionStorage.removeItem(KEY);
    }
  }

  get size() {
    return this.#entries.size;
  }

  get contents() {
    return [...this.#entries.keys()];
  }

  get entries() {
    return [...this.#entries.values()];
  }

  has(content) {
    return this.#entries.has(content);
  }

  /** Mark or unmark one. */
  toggle(entry) {
    if (this.has(entry.content)) this.remove([entry.content]);
    else this.add([entry]);
  }

  add(entries) {
    for (const entry of entries) {
      const kept = Object.fromEntries(KEPT.map((key) => [key, entry[key]]));
      if (!this.has(entry.content)) this.#entries.set(entry.content, kept);
    }
    this.#changed();
  }

  remove(contents) {
    for (const content of contents) this.#entries.delete(content);
    this.#changed();
  }

  clear() {
    this.#entries.clear();
    this.#changed();
  }

  #changed() {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.entries));
    } catch {
      // Tens of thousands of marks do not fit into the tab's storage; they are kept in the page alone.
      sessionStorage.removeItem(KEY);
    }
    this.dispatchEvent(new Event("change"));
  }
}

export const marks = new Marks();
