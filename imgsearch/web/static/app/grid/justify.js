/** Where everything in a justified grid stands: pure arithmetic, no element. */

const NARROWEST = 0.45;
const WIDEST = 3.2;
// Chromium draws no element taller than 33,554,428 px; below this the page is true to scale.
const TALLEST = 30_000_000;

/** The ratio that a picture is shown with: panoramas and strips are cut at the sides. */
export const shown = (ratio) => Math.min(WIDEST, Math.max(NARROWEST, ratio || 1));

/**
 * A grid's rows, laid out.
 *
 * `first[r]` is the first picture of row r (`first[rows]` the number of pictures), `top` and `height`
 * are in px. `headings` are `{section, top}`; all of it is `total` px tall.
 */
export class Layout {
  /**
   * @param {(index: number) => number} ratio width divided by height
   * @param {Array<{count: number}>} sections in order; a section starts a row of its own
   * @param {{width: number, target: number, gap: number, heading: number}} measures in px;
   *   `heading` of 0 leaves headings out
   */
  constructor(ratio, sections, measures) {
    this.measures = measures;
    this.#place(ratio, sections);
    if (this.total > TALLEST) {
      const target = Math.max(24, Math.floor(measures.target * Math.sqrt(TALLEST / this.total) * 0.95));
      this.measures = { ...measures, target };
      this.#place(ratio, sections);
    }
  }

  #place(ratio, sections) {
    const { width, target, gap, heading } = this.measures;
    this.first = [];
    this.top = [];
    this.height = [];
    this.headings = [];
    let y = 0;
    let index = 0;
    for (const [section, { count }] of sections.entries()) {
      if (!count) continue;
      if (heading) {
        this.headings.push({ section, top: y, row: this.first.length });
        y += heading;
      }
      const end = index + count;
      let above = target;
      while (index < end) {
        const [after, height] = nextRow(ratio, index, end, { width, target, gap, above });
        above = height;
        this.first.push(index);
        this.top.push(y);
        this.height.push(height);
        y += height + gap;
        index = after;
      }
    }
    this.rows = this.first.length;
    this.first.push(index);
    this.count = index;
    this.total = Math.max(0, y - gap);
  }

  /** The row at a height of the page, the nearest one where there is none. */
  rowAt(y) {
    return lastAtMost(this.top, y, this.rows);
  }

  /** The row of a picture. */
  rowOf(index) {
    return lastAtMost(this.first, index, this.rows);
  }

  /** Left edges and widths of the pictures of a row. */
  cells(row, ratio) {
    const { gap } = this.measures;
    const cells = [];
    let left = 0;
    for (let index = this.first[row]; index < this.first[row + 1]; index += 1) {
      const width = shown(ratio(index)) * this.height[row];
      cells.push({ index, left, width });
      left += width + gap;
    }
    return cells;
  }
}

/** Return where the row that starts at `start` ends, and its height; what fills no row is as high as that above. */
function nextRow(ratio, start, end, { width, target, gap, above }) {
  let sum = 0;
  for (let index = start; index < end; index += 1) {
    const before = sum;
    sum += shown(ratio(index));
    const count = index - start + 1;
    const height = (width - gap * (count - 1)) / sum;
    if (height > target) continue;
    // The picture that makes the row too low goes into the next one where that is the better height.
    const without = count > 1 ? (width - gap * (count - 2)) / before : Infinity;
    return without / target < target / height ? [index, without] : [index + 1, height];
  }
  return [end, Math.min(above, target, (width - gap * (end - start - 1)) / sum)];
}

function lastAtMost(values, wanted, count) {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (values[middle] <= wanted) low = middle;
    else high = middle - 1;
  }
  return low;
}
