/** Where everything in a justified grid stands: pure arithmetic, no element. */

// Heights of a row that are tried, in targets. A last row that would be higher than its own limit is left
// ragged, which costs so much times the square of what is missing of it.
const LOWEST = 0.55;
const HIGHEST_LAST = 1.25;
const RAGGED = 0.6;
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
   * @param {{width: number, target: number, gap: number, heading: number, even: boolean}} measures in
   *   px; `heading` of 0 leaves headings out. `even` makes the rows of a section as equal as they can
   *   be; without it a row depends on nothing beneath, so that it stays when more pictures come.
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
    const { gap, heading } = this.measures;
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
      const rows = this.measures.even ? evenRows(ratio, index, end, this.measures) : greedyRows(ratio, index, end, this.measures);
      for (const [after, height] of rows) {
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

/** Return the end and the height of each row, filling one after the other. */
function greedyRows(ratio, first, end, measures) {
  const rows = [];
  let above = measures.target;
  for (let index = first; index < end;) {
    const row = nextRow(ratio, index, end, { ...measures, above });
    rows.push(row);
    [index, above] = row;
  }
  return rows;
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

/** Return the end and the height of each row so that the sum of all costs is least. */
function evenRows(ratio, first, end, { width, target, gap }) {
  const count = end - first;
  const best = new Float64Array(count + 1).fill(Infinity);
  const from = new Int32Array(count + 1);
  best[0] = 0;
  for (let start = 0; start < count; start += 1) {
    let sum = 0;
    for (let after = start + 1; after <= count; after += 1) {
      sum += shown(ratio(first + after - 1));
      const height = (width - gap * (after - start - 1)) / sum;
      if (height < target * LOWEST && after > start + 1) break;
      const ragged = after === count && height > target * HIGHEST_LAST;
      const off = Math.max(height / target, target / height) - 1;
      const cost = best[start] + (ragged ? RAGGED * (1 - target / height) ** 2 : off ** 2);
      if (cost < best[after]) {
        best[after] = cost;
        from[after] = start;
      }
    }
  }
  const rows = [];
  for (let after = count; after > 0; after = from[after]) {
    let sum = 0;
    for (let index = from[after]; index < after; index += 1) sum += shown(ratio(first + index));
    rows.push([first + after, (width - gap * (after - from[after] - 1)) / sum]);
  }
  rows.reverse();
  // A ragged row is as high as the one above it.
  const last = rows.at(-1);
  if (last[1] > target * HIGHEST_LAST) last[1] = Math.min(target, rows.at(-2)?.[1] ?? target);
  return rows;
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
