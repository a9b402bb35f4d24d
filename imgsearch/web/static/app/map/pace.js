/** How many points are drawn while the map moves: as many as this machine draws in good time. */

// Frames are judged together: a browser takes some on before it waits, and then one waits for all of them.
const TOGETHER = 6;
const SLOW = 28;
const QUICK = 20;
const FEWEST = 8_000;
// A frame that took longer, in ms, did so because the page was out of sight.
const AWAY = 2_000;

export class Pace {
  #frames = 0;
  #time = 0;

  /** @param {number} count of all points; those that stand for the others come first */
  constructor(count) {
    this.all = count;
    this.count = count;
  }

  /**
   * Note how long after a frame of `count` points the browser came for the next, in ms, whether or not that was
   * drawn. The time between two drawn ones would not tell: a slow hand, or a wheel, leaves many frames out.
   */
  took(time) {
    if (time > AWAY) return;
    this.#frames += 1;
    this.#time += time;
    if (this.#frames < TOGETHER && this.#time < TOGETHER * SLOW) return;
    const mean = this.#time / this.#frames;
    [this.#frames, this.#time] = [0, 0];
    if (mean > SLOW) this.count = Math.max(Math.min(FEWEST, this.all), Math.round(this.count * Math.max(0.3, QUICK / mean)));
    else if (mean < QUICK) this.count = Math.min(this.all, Math.round(this.count * 1.3));
  }
}
