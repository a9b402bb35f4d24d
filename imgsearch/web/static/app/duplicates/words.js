/** Kinds of sameness and certainty, as people read them. */

const KINDS = {
  identical: ["Identical", "The same bytes"],
  pixels: ["Same pixels", "The same image in another file"],
  copy: ["Copy", "Saved again, or in another size or format"],
  edit: ["Edit", "Cropped, turned, mirrored or recoloured"],
  burst: ["Burst", "Taken in quick succession"],
  similar: ["Similar", "Alike, but not the same picture"],
};

export const kinds = Object.keys(KINDS);
export const kindName = (kind) => KINDS[kind]?.[0] ?? kind;
export const kindMeaning = (kind) => KINDS[kind]?.[1] ?? "";

/** "98 % certain"; never rounded up to a certainty that is none. */
export function certain(certainty) {
  return `${certainty >= 1 ? 100 : Math.min(99, Math.round(certainty * 100))} % certain`;
}
