/** A list of pictures that is all there, as a source of a grid. */

export class Pictures {
  /** @param {object[]} entries as the interface gives them */
  constructor(entries) {
    this.entries = entries;
  }

  get count() {
    return this.entries.length;
  }

  ratio(index) {
    return this.entries[index].width / this.entries[index].height;
  }

  entry(index) {
    return this.entries[index] ?? null;
  }

  want() {}
}
