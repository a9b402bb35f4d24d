/** Pictures to begin with, from all over the gallery: a few of every stretch of its timeline. */

import { getJson } from "../core/api.js";
import { Pictures } from "../grid/pictures.js";

const STRETCHES = 12;
const OF_EACH = 4;

/** Fetch them; `total` is how many contents the gallery holds. */
export async function offered(total, { signal }) {
  const few = total <= STRETCHES * OF_EACH;
  const asked = few ? { limit: STRETCHES * OF_EACH } : { limit: OF_EACH, stretches: STRETCHES };
  const { contents } = await getJson("/contents", asked, { signal });
  // One of every stretch, then the second of every stretch: neighbours in time are often alike.
  const places = Array.from({ length: OF_EACH }, (_, place) => contents.filter((_entry, index) => index % OF_EACH === place));
  const entries = few ? contents : places.flat();
  return new Pictures(entries.filter((entry) => entry && !entry.offline));
}
