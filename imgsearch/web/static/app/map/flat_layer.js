/** The points where there is no WebGL: on a plain canvas, as many as that draws in good time. */

import { css, HUES } from "./colours.js";
import { fitCanvas } from "./point_layer.js";

const MOST = 15_000;

export class FlatLayer {
  #marked = [];

  constructor(canvas, points) {
    this.canvas = canvas;
    this.points = points;
    this.context = canvas.getContext("2d");
  }

  /** Draw; as `PointLayer.draw`, but of very many points those that stand for the others. */
  draw(camera, { palette, accent, chosen, size, count }) {
    const { context, points } = this;
    const ratio = window.devicePixelRatio;
    fitCanvas(this.canvas, camera, ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, camera.width, camera.height);
    const places = palette.map(() => []);
    const faded = [];
    const box = camera.box(size);
    for (let point = 0, left = MOST; point < count && left; point += 1) {
      const [x, y] = [points.x[point], points.y[point]];
      if (x < box.left || x > box.right || y < box.bottom || y > box.top) continue;
      const isFaded = chosen >= 0 && points.cluster[point] !== chosen;
      (isFaded ? faded : places[points.cluster[point] % HUES]).push(point);
      left -= 1;
    }
    context.globalAlpha = 0.12;
    this.#squares(faded, camera, size, palette[0]);
    context.globalAlpha = 0.85;
    for (const [hue, each] of places.entries()) this.#squares(each, camera, size, palette[hue]);
    context.globalAlpha = 1;
    this.#squares(this.#marked, camera, size + 3, accent);
  }

  mark(points) {
    this.#marked = points;
  }

  #squares(points, camera, size, colour) {
    this.context.fillStyle = css(colour);
    for (const point of points) {
      const [left, top] = camera.toScreen(this.points.x[point], this.points.y[point]);
      this.context.fillRect(left - size / 2, top - size / 2, size, size);
    }
  }
}
