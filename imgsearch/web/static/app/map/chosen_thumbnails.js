/** Which pictures are shown as thumbnails: pure arithmetic. None covers another. */

// Thumbnails of single pictures come when so many points share the room of one; the fewer there are,
// the larger they become.
const NEAR = 14;
const SMALLEST = 0.8;
const LARGEST = 1.6;

/**
 * Return `{point, left, top, side, cluster}` of the thumbnails for what is in view.
 *
 * First the most central pictures of the clusters, the largest first, then those that stand for their
 * neighbourhood, the coarsest first: so one that is shown stays while one goes nearer.
 *
 * @param {import("./camera.js").Camera} camera
 * @param {import("./points.js").Points} points
 * @param {Array<{point: number, size: number}>} labels the clusters in order, with their most central point
 * @param {number} side of a thumbnail in css pixels
 */
export function chosenThumbnails(camera, points, labels, side) {
  const free = new Room(camera, side);
  const chosen = [];
  const show = (point, size, cluster) => {
    const [left, top] = camera.toScreen(points.x[point], points.y[point]);
    if (free.take(left, top, size)) chosen.push({ point, left, top, side: size, cluster });
  };
  for (const [cluster, { point }] of labels.entries()) show(point, side, cluster);
  const room = Math.max(1, (camera.width * camera.height) / (side * side));
  const count = points.countIn(camera.box(), NEAR * room + 1);
  if (count > NEAR * room) return chosen;
  const near = Math.round(side * Math.min(LARGEST, Math.max(SMALLEST, 0.4 * Math.sqrt(room / Math.max(1, count)))));
  const level = Math.floor(Math.log2((2 * camera.scale) / side)) + 1;
  const [box, last] = [camera.box(side), points.upTo(Math.max(0, level))];
  const shown = new Set(chosen.map(({ point }) => point));
  const standing = [];
  points.inBox(box, (point) => {
    if (point < last && !shown.has(point)) standing.push(point);
    return false;
  });
  for (const point of standing.sort((one, other) => one - other)) show(point, near, null);
  return chosen;
}

/** What is still free of the stage and a margin around it: squares are tried against those near them. */
class Room {
  #taken = new Map();

  constructor(camera, side) {
    this.side = LARGEST * side;
    this.right = camera.width + side;
    this.bottom = camera.height + side;
  }

  /** Take the square around a place if it is in view and free. */
  take(left, top, size) {
    const gap = 6;
    if (left < -this.side || top < -this.side || left > this.right || top > this.bottom) return false;
    const [column, row] = [Math.floor(left / this.side), Math.floor(top / this.side)];
    for (let x = column - 2; x <= column + 2; x += 1) {
      for (let y = row - 2; y <= row + 2; y += 1) {
        for (const [otherLeft, otherTop, otherSize] of this.#taken.get(`${x},${y}`) ?? []) {
          const apart = (size + otherSize) / 2 + gap;
          if (Math.abs(left - otherLeft) < apart && Math.abs(top - otherTop) < apart) return false;
        }
      }
    }
    const key = `${column},${row}`;
    if (!this.#taken.has(key)) this.#taken.set(key, []);
    this.#taken.get(key).push([left, top, size]);
    return true;
  }
}
