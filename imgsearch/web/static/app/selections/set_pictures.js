/** The pictures of a set that the gallery still holds, as a source of a grid. */

export class SetPictures {
  constructor(contents) {
    this.entries = contents.filter(({ path }) => path !== undefined);
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
