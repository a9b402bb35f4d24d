/** The part of a picture that matches, where parts were searched. */

import { make } from "../core/dom.js";

const SLIVER = 2;

/** Whether a part matches, rather than the whole, or a picture of which nobody asked that. */
export const isPart = ({ box, width, height }) => Boolean(box) && (box[2] < width || box[3] < height);

/** "Matches in 30 by 40 percent of it, 20 from the left, 10 from the top". */
export function sayPart({ box: [left, top, across, down], width, height }) {
  const percent = (length, whole) => Math.round((100 * length) / whole);
  return `matches in ${percent(across, width)} by ${percent(down, height)} percent of it, ` +
    `${percent(left, width)} from the left, ${percent(top, height)} from the top`;
}

/**
 * Make a frame around the part that matches, to lie over a box that shows the picture.
 *
 * @param {object} entry of a match that `isPart`
 * @param {number} [ratio] width divided by height of that box, which the picture covers from its middle; its
 *   own ratio shows all of it
 */
export function framePart({ box: [left, top, across, down], width, height }, ratio = width / height) {
  const own = width / height;
  const [x, wide] = seen(left / width, across / width, Math.min(1, ratio / own));
  const [y, high] = seen(top / height, down / height, Math.min(1, own / ratio));
  return make("div.part-frame", { style: { left: `${x}%`, top: `${y}%`, width: `${wide}%`, height: `${high}%` } });
}

/**
 * Return where a stretch of a side begins in the middle part of it that is seen, and how long it is, in percent
 * of that. What lies beyond shows at the edge, for without a frame the whole would seem to match.
 */
function seen(start, length, part) {
  const place = (share) => (100 * (share - (1 - part) / 2)) / part;
  const from = Math.min(100 - SLIVER, Math.max(0, place(start)));
  return [from, Math.min(100, Math.max(from + SLIVER, place(start + length))) - from];
}
