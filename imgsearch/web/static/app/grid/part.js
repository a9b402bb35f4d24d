/** The part of a picture that matches, where parts were searched. */

import { make } from "../core/dom.js";

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
  const wide = Math.min(1, (ratio * height) / width);
  const high = Math.min(1, width / height / ratio);
  const [start, end] = [left, left + across].map((x) => seen(x / width, wide));
  const [above, below] = [top, top + down].map((y) => seen(y / height, high));
  return make("div.part-frame", {
    style: { left: `${start}%`, top: `${above}%`, width: `${end - start}%`, height: `${below - above}%` },
  });
}

/** Return where a share of a side lies in the middle part of it that is seen, in percent of that. */
function seen(share, part) {
  return 100 * Math.min(1, Math.max(0, (share - (1 - part) / 2) / part));
}
