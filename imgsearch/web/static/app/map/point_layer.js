/** The points, drawn by WebGL 2; null comes from `openPointLayer` where there is none. */

import { HUES } from "./colours.js";

const VERTEX = `#version 300 es
in vec2 place;
in float cluster;
uniform vec2 middle;
uniform vec2 scale;
uniform float size;
uniform float chosen;
uniform vec3 palette[${HUES}];
uniform vec4 over;
out vec4 colour;
void main() {
  gl_Position = vec4((place - middle) * scale, 0.0, 1.0);
  gl_PointSize = size;
  bool faded = chosen >= 0.0 && cluster != chosen;
  vec3 own = palette[int(mod(cluster, ${HUES}.0))];
  colour = over.a > 0.0 ? over : vec4(own, faded ? 0.12 : 0.85);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 colour;
uniform highp float size;
out vec4 drawn;
void main() {
  float away = length(gl_PointCoord - 0.5) * size;
  float cover = clamp(size * 0.5 - away + 0.5, 0.0, 1.0);
  drawn = vec4(colour.rgb * colour.a, colour.a) * cover;
}`;

export function openPointLayer(canvas, points) {
  const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true, powerPreference: "high-performance" });
  return gl ? new PointLayer(canvas, gl, points) : null;
}

class PointLayer {
  #marked = 0;

  constructor(canvas, gl, points) {
    this.canvas = canvas;
    this.gl = gl;
    this.points = points;
    this.#prepare();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.#prepare();
      this.restored?.();
    });
  }

  /** Draw; `look` has `palette`, `accent` (colours), `chosen` (a cluster or -1), `size` (css px), `count`. */
  draw(camera, { palette, accent, chosen, size, count }) {
    const { gl, uniforms } = this;
    const ratio = window.devicePixelRatio;
    fitCanvas(this.canvas, camera, ratio);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(uniforms.middle, camera.x, camera.y);
    gl.uniform2f(uniforms.scale, (2 * camera.scale) / camera.width, (2 * camera.scale) / camera.height);
    gl.uniform1f(uniforms.chosen, chosen);
    gl.uniform3fv(uniforms.palette, palette.flat());
    gl.uniform1f(uniforms.size, size * ratio);
    gl.uniform4f(uniforms.over, 0, 0, 0, 0);
    gl.drawArrays(gl.POINTS, 0, count);
    if (this.#marked) {
      gl.uniform1f(uniforms.size, (size + 3) * ratio);
      gl.uniform4f(uniforms.over, ...accent, 1);
      gl.drawElements(gl.POINTS, this.#marked, gl.UNSIGNED_INT, 0);
    }
  }

  /** Say which points are marked. */
  mark(points) {
    this.#marked = points.length;
    this.gl.bufferData(this.gl.ELEMENT_ARRAY_BUFFER, Uint32Array.from(points), this.gl.DYNAMIC_DRAW);
  }

  #prepare() {
    const { gl, points } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.uniforms = Object.fromEntries(
      ["middle", "scale", "size", "chosen", "palette", "over"].map((name) => [name, gl.getUniformLocation(program, name)]),
    );
    const places = new Float32Array(2 * points.count);
    for (let point = 0; point < points.count; point += 1) {
      places[2 * point] = points.x[point];
      places[2 * point + 1] = points.y[point];
    }
    feed(gl, program, "place", places, 2);
    feed(gl, program, "cluster", Float32Array.from(points.cluster), 1);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }
}

/** Give a canvas as many pixels as it has room for. */
export function fitCanvas(canvas, { width, height }, ratio) {
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
}

function feed(gl, program, name, values, each) {
  const place = gl.getAttribLocation(program, name);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  gl.enableVertexAttribArray(place);
  gl.vertexAttribPointer(place, each, gl.FLOAT, false, 0, 0);
}
