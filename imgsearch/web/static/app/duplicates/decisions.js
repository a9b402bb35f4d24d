/** What a person has decided on files of duplicate groups; it lasts as long as the tab. */

const KEY = "imgsearch-decisions";

/** Decisions are "keep", "drop" and "apart" (not the same), by group and path. */
class Decisions extends EventTarget {
  #groups = new Map();

  constructor() {
    super();
    try {
      for (const { id, files } of JSON.parse(sessionStorage.getItem(KEY) ?? "[]")) {
        this.#groups.set(id, new Map(files));
      }
    } catch {
      sessionStorage.removeItem(KEY);
    }
  }

  of(group, path) {
    return this.#groups.get(group.id)?.get(path)?.decision ?? null;
  }

  /** Whether every file of a group has been decided on. */
  isDone(group) {
    return [group.keeper, ...group.members].every(({ path }) => this.of(group, path));
  }

  /**
   * Decide on one file; null takes the decision back.
   *
   * @returns {boolean} false where it would drop the last file of the group
   */
  set(group, file, decision) {
    const files = [group.keeper, ...group.members];
    const left = files.filter(({ path }) => path !== file.path && this.of(group, path) !== "drop");
    if (decision === "drop" && !left.length) return false;
    const decided = this.#groups.get(group.id) ?? new Map();
    if (decision) decided.set(file.path, { decision, bytes: file.bytes });
    else decided.delete(file.path);
    this.#groups.set(group.id, decided);
    this.#changed();
    return true;
  }

  /** Keep the first file, drop those that are not decided on yet. */
  accept(group) {
    for (const file of group.members) if (!this.of(group, file.path)) this.set(group, file, "drop");
    if (!this.of(group, group.keeper.path)) this.set(group, group.keeper, "keep");
  }

  /** Number and size of the files to drop. */
  get dropped() {
    const all = [...this.#groups.values()].flatMap((files) => [...files.values()]).filter(({ decision }) => decision === "drop");
    return { count: all.length, bytes: all.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  /** The groups as a plan takes them: those with a file to drop; what is not decided on is kept. */
  get plan() {
    const groups = [];
    for (const [id, files] of this.#groups) {
      const paths = (wanted) => [...files].filter(([, { decision }]) => decision === wanted).map(([path]) => path);
      if (paths("drop").length) groups.push({ id, keep: paths("keep"), drop: paths("drop") });
    }
    return groups;
  }

  clear() {
    this.#groups.clear();
    this.#changed();
  }

  #changed() {
    const kept = [...this.#groups].map(([id, files]) => ({ id, files: [...files] }));
    sessionStorage.setItem(KEY, JSON.stringify(kept));
    this.dispatchEvent(new Event("change"));
  }
}

export const decisions = new Decisions();
