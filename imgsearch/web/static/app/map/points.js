/** The pictures of the map, as the server sends them, and who lies where. */

const CELLS = 512;
const DIGEST = 32;
const HEXADECIMAL = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Point `i` is at `x[i]`, `y[i]`, in cluster `cluster[i]`; those of the coarsest level come first. */
export class Points {
  #digests;
  #first;
  #sorted;
  #index = null;
  #twins = [];

  /**
   * @param {ArrayBuffer} bytes x and y as float32, clusters as int32, contents of 32 bytes, and a byte
   *   that is 1 where there is no thumbnail, one block after the other
   * @param {number[]} levels how many points the levels from the coarsest to each have
   */
  constructor(bytes, levels) {
    const count = bytes.byteLength / (12 + DIGEST + 1);
    this.count = count;
    this.levels = levels;
    this.x = new Float32Array(bytes, 0, count);
    this.y = new Float32Array(bytes, 4 * count, count);
    this.cluster = new Int32Array(bytes, 8 * count, count);
    this.#digests = new Uint8Array(bytes, 12 * count, DIGEST * count);
    this.unseen = new Uint8Array(bytes, (12 + DIGEST) * count, count);
    this.box = bounds(this.x, this.y);
    this.#sort();
  }

  /** The content of a point, as hexadecimal digits. */
  content(point) {
    let text = "";
    for (let at = point * DIGEST; at < (point + 1) * DIGEST; at += 1) text += HEXADECIMAL[this.#digests[at]];
    return text;
  }

  /** The point of a content, undefined where it is not on the map. */
  pointOf(content) {
    this.#index ??= this.#byStart();
    const point = this.#index.get(startOf(parseInt(content.slice(0, 8), 16)));
    if (point === undefined || this.content(point) === content) return point;
    return this.#twins.find((twin) => this.content(twin) === content);
  }

  /** How many points have a level up to this one; they are the first. */
  upTo(level) {
    return this.levels[Math.min(level, this.levels.length - 1)] ?? 0;
  }

  /** Call `visit` with every point in a box, till it returns true. */
  inBox({ left, bottom, right, top }, visit) {
    for (let row = cell(bottom); row <= cell(top); row += 1) {
      const from = this.#first[row * CELLS + cell(left)];
      const end = this.#first[row * CELLS + cell(right) + 1];
      for (let at = from; at < end; at += 1) {
        const point = this.#sorted[at];
        const [x, y] = [this.x[point], this.y[point]];
        if (x >= left && x <= right && y >= bottom && y <= top && visit(point)) return;
      }
    }
  }

  /** How many points lie in a box, counted up to `most`. */
  countIn(box, most) {
    let count = 0;
    this.inBox(box, () => {
      count += 1;
      return count >= most;
    });
    return count;
  }

  /** The point nearest to a place within a radius, -1 where there is none. */
  nearest([x, y], radius) {
    let [best, least] = [-1, radius * radius];
    this.inBox({ left: x - radius, bottom: y - radius, right: x + radius, top: y + radius }, (point) => {
      const away = (this.x[point] - x) ** 2 + (this.y[point] - y) ** 2;
      if (away <= least) [best, least] = [point, away];
      return false;
    });
    return best;
  }

  /** The points within a polygon, by the even-odd rule. */
  within(polygon) {
    const found = [];
    this.inBox(boxOf(polygon), (point) => {
      if (isInside(polygon, this.x[point], this.y[point])) found.push(point);
      return false;
    });
    return found;
  }

  /** The points of a cluster. */
  inCluster(wanted) {
    const found = [];
    for (let point = 0; point < this.count; point += 1) if (this.cluster[point] === wanted) found.push(point);
    return found;
  }

  /** The points by how their contents begin: small numbers are quicker than texts. The few twins stand apart. */
  #byStart() {
    const index = new Map();
    const view = new DataView(this.#digests.buffer, this.#digests.byteOffset);
    for (let point = 0; point < this.count; point += 1) {
      const start = startOf(view.getUint32(point * DIGEST));
      if (index.has(start)) this.#twins.push(point);
      else index.set(start, point);
    }
    return index;
  }

  /** Sort the points into cells, by counting. */
  #sort() {
    const cells = new Int32Array(this.count);
    const counts = new Int32Array(CELLS * CELLS + 1);
    for (let point = 0; point < this.count; point += 1) {
      cells[point] = cell(this.y[point]) * CELLS + cell(this.x[point]);
      counts[cells[point] + 1] += 1;
    }
    for (let at = 0; at < CELLS * CELLS; at += 1) counts[at + 1] += counts[at];
    const next = counts.slice();
    this.#sorted = new Int32Array(this.count);
    for (let point = 0; point < this.count; point += 1) {
      this.#sorted[next[cells[point]]] = point;
      next[cells[point]] += 1;
    }
    this.#first = counts;
  }
}

// Of 32 bits as many as engines keep in a number without a box.
const startOf = (word) => word >>> 2;

const cell = (value) => Math.min(CELLS - 1, Math.max(0, Math.floor(((value + 1) / 2) * CELLS)));

/** The least box around some places. */
export function boxOf(places) {
  const [xs, ys] = [places.map(([x]) => x), places.map(([, y]) => y)];
  return { left: Math.min(...xs), bottom: Math.min(...ys), right: Math.max(...xs), top: Math.max(...ys) };
}

function bounds(x, y) {
  const box = { left: 0, bottom: 0, right: 0, top: 0 };
  for (let point = 0; point < x.length; point += 1) {
    box.left = Math.min(box.left, x[point]);
    box.right = Math.max(box.right, x[point]);
    box.bottom = Math.min(box.bottom, y[point]);
    box.top = Math.max(box.top, y[point]);
  }
  return box;
}

function isInside(polygon, x, y) {
  let inside = false;
  let [fromX, fromY] = polygon.at(-1);
  for (const [toX, toY] of polygon) {
    if (fromY > y !== toY > y && x < fromX + ((y - fromY) * (toX - fromX)) / (toY - fromY)) inside = !inside;
    [fromX, fromY] = [toX, toY];
  }
  return inside;
}
