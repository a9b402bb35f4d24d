/** How many points are drawn while the map moves: as many as this machine draws in good time. */

const SLOW = 40;
const QUICK = 20;
const FEWEST = 8_000;
const PAUSE = 200;

export class Pace {
  #before = 0;

  /** @param {number} count of all points; those that stand for the others come first */
  constructor(count) {
    this.all = count;
    this.count = count;
  }

  /** Note that a frame is drawn at a time, in ms; return how many points it may have. */
  moving(now) {
    const took = now - this.#before;
    this.#before = now;
    if (took > PAUSE) return this.count;
    if (took > SLOW) this.count = Math.max(Math.min(FEWEST, this.all), Math.round(this.count * 0.7));
    else if (took < QUICK) this.count = Math.min(this.all, Math.round(this.count * 1.1));
    return this.count;
  }
}
