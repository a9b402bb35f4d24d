/** Pictures to begin with, from all over the gallery: a few of every stretch of its timeline. */

import { getJson } from "../core/api.js";
import { Pictures } from "../grid/pictures.js";

const STRETCHES = 12;
const OF_EACH = 4;

/** Fetch them; `total` is how many contents the gallery holds. */
export async function offered(total, { signal }) {
  const few = total <= STRETCHES * OF_EACH;
  const offsets = few ? [0] : Array.from({ length: STRETCHES }, (_, stretch) => Math.floor((stretch * total) / STRETCHES));
  const limit = few ? total : OF_EACH;
  const answers = await Promise.all(offsets.map((offset) => getJson("/contents", { offset, limit }, { signal })));
  // One of every stretch, then the second of every stretch: neighbours in time are often alike.
  const entries = few ? answers[0].contents : Array.from({ length: OF_EACH }, (_, place) => answers.map(({ contents }) => contents[place])).flat();
  return new Pictures(entries.filter((entry) => entry && !entry.offline));
}
