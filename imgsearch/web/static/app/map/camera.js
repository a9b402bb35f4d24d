/**
 * What part of the map is in view: pure arithmetic. On the map y goes up, and everything lies within
 * the unit circle; on the screen y goes down, in css pixels from the upper left corner of the stage.
 */

// The whole map takes so much of the stage; one may go so far out, and so near.
const SHARE = 0.88;
const FARTHEST = 0.6;
const NEAREST = 400_000;

export class Camera {
  /** @param {{left: number, bottom: number, right: number, top: number}} all the box of all points */
  constructor(all) {
    this.middle = [(all.left + all.right) / 2, (all.bottom + all.top) / 2];
    this.extent = [Math.max(0.05, all.right - all.left), Math.max(0.05, all.top - all.bottom)];
    this.width = 1;
    this.height = 1;
    this.x = 0;
    this.y = 0;
    this.scale = 1;
  }

  /** The scale, in pixels for a unit of the map, at which all of it is in view. */
  get wholeScale() {
    return SHARE * Math.min(this.width / this.extent[0], this.height / this.extent[1]);
  }

  /** How much nearer than the whole map: 1 for all of it. */
  get nearness() {
    return this.scale / this.wholeScale;
  }

  get isWhole() {
    return this.nearness === 1 && this.x === this.middle[0] && this.y === this.middle[1];
  }

  /** Take the stage's size; the middle stays where it was, and so much of the map as before. */
  resize(width, height) {
    const { nearness } = this;
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    this.scale = nearness * this.wholeScale;
  }

  whole() {
    this.at(...this.middle, 1);
  }

  /** Look at a place, so much nearer than the whole map. */
  at(x, y, nearness) {
    this.scale = Math.min(NEAREST, Math.max(FARTHEST, nearness) * this.wholeScale);
    this.x = Math.min(1, Math.max(-1, x));
    this.y = Math.min(1, Math.max(-1, y));
  }

  /** Look at a box of the map. */
  fit({ left, bottom, right, top }) {
    const scale = SHARE * Math.min(this.width / Math.max(1e-9, right - left), this.height / Math.max(1e-9, top - bottom));
    this.at((left + right) / 2, (bottom + top) / 2, scale / this.wholeScale);
  }

  /** Move what is in view by pixels. */
  pan(dx, dy) {
    this.at(this.x - dx / this.scale, this.y + dy / this.scale, this.nearness);
  }

  /** Go nearer by a factor; what lies under `pixel` stays there. */
  zoom(factor, pixel = [this.width / 2, this.height / 2]) {
    const [x, y] = this.toMap(pixel);
    this.at(this.x, this.y, this.nearness * factor);
    const [nowX, nowY] = this.toMap(pixel);
    this.at(this.x + x - nowX, this.y + y - nowY, this.nearness);
  }

  toScreen(x, y) {
    return [this.width / 2 + (x - this.x) * this.scale, this.height / 2 - (y - this.y) * this.scale];
  }

  toMap([left, top]) {
    return [this.x + (left - this.width / 2) / this.scale, this.y - (top - this.height / 2) / this.scale];
  }

  /** The box of the map in view, with a margin in pixels. */
  box(margin = 0) {
    const [halfWidth, halfHeight] = [(this.width / 2 + margin) / this.scale, (this.height / 2 + margin) / this.scale];
    return { left: this.x - halfWidth, bottom: this.y - halfHeight, right: this.x + halfWidth, top: this.y + halfHeight };
  }
}
