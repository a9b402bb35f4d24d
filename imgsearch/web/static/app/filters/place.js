/** Where pictures were taken: a circle drawn on a map of the world, or three figures. */

import { button, draw, make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { place as inWords } from "../core/words.js";

const KM_PER_DEGREE = 111.195;
const WIDTH = 304;
const HEIGHT = 208;
const WORLD = [-180, -90, 360, 180];

export const place = {
  label: "Place",
  keys: ["near"],
  needs: "facets",
  says({ near }) {
    if (!near) return null;
    const [latitude, longitude, kilometres] = near.split(",").map(Number);
    return `${kilometres} km around ${inWords(latitude, longitude)}`;
  },
  async build({ filters, facets, apply }) {
    const { LAND } = await import("./land.js");
    const fields = [["Latitude", -90, 90], ["Longitude", -180, 180], ["Kilometres", 0, 20_000]].map(([name, min, max]) => {
      const input = make("input.field", { type: "number", min, max, step: "any", inputmode: "decimal" });
      return { input, label: make("label", {}, make("span", { text: name }), input) };
    });
    const set = (near) => near.forEach((value, at) => { fields[at].input.value = value; });
    if (filters.near) set(filters.near.split(",").map(Number));
    const read = () => {
      const inputs = fields.map(({ input }) => input);
      const given = inputs.every((input) => input.value !== "" && input.validity.valid) && inputs[2].value > 0;
      return given ? inputs.map(({ value }) => Number(value)) : null;
    };
    const tell = () => apply(read() ? { near: read().join(",") } : {});
    const map = worldMap(LAND, facets.located, {
      near: read(),
      drawn(near) {
        set(near);
        tell();
      },
    });
    for (const { input } of fields) {
      input.addEventListener("change", () => {
        map.show(read());
        tell();
      });
    }
    return [map.node, make("div.trio", {}, ...fields.map(({ label }) => label))];
  },
};

/** A map on which a circle is drawn; `located` holds latitude, longitude and a count each. */
function worldMap(land, located, { near, drawn }) {
  const circle = draw("ellipse", { class: "circle", visibility: "hidden" });
  const dots = located.map(([latitude, longitude]) => draw("circle", { class: "taken", cx: longitude, cy: -latitude, r: 1 }));
  const svg = draw(
    "svg", { class: "place-map", "aria-hidden": "true", preserveAspectRatio: "xMidYMid slice" },
    draw("path", { class: "land", d: land, transform: "scale(0.1)" }), ...dots, circle,
  );
  let view = WORLD;

  function look(next) {
    const [x, y, width] = next;
    const bounded = Math.min(360, Math.max(0.05, width));
    const height = (bounded * HEIGHT) / WIDTH;
    view = [
      Math.min(180 - bounded, Math.max(-180, x)), bounded >= 260 ? -height / 2 : Math.min(90 - height, Math.max(-90, y)), bounded, height,
    ];
    svg.setAttribute("viewBox", view.join(" "));
    for (const dot of dots) dot.setAttribute("r", (bounded / WIDTH) * 3);
  }

  function show(place) {
    circle.setAttribute("visibility", place ? "visible" : "hidden");
    if (!place) return;
    const [latitude, longitude, kilometres] = place;
    const degrees = kilometres / KM_PER_DEGREE;
    circle.setAttribute("cx", longitude);
    circle.setAttribute("cy", -latitude);
    circle.setAttribute("rx", Math.min(180, degrees / Math.max(0.02, Math.cos((latitude * Math.PI) / 180))));
    circle.setAttribute("ry", Math.min(90, degrees));
  }

  function at(event) {
    const { left, top, width, height } = svg.getBoundingClientRect();
    return [view[0] + ((event.clientX - left) / width) * view[2], view[1] + ((event.clientY - top) / height) * view[3]];
  }

  function zoom(factor, [x, y] = [view[0] + view[2] / 2, view[1] + view[3] / 2]) {
    look([x - (x - view[0]) * factor, y - (y - view[1]) * factor, view[2] * factor]);
  }

  let drag = null;
  svg.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    svg.setPointerCapture(event.pointerId);
    drag = { from: at(event), view, pans: event.shiftKey, place: null };
  });
  svg.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [x, y] = at(event);
    if (drag.pans) {
      look([view[0] + drag.from[0] - x, view[1] + drag.from[1] - y, view[2]]);
    } else {
      const [x0, y0] = drag.from;
      const east = (x - x0) * Math.cos((y0 * Math.PI) / 180);
      const kilometres = Math.hypot(east, y - y0) * KM_PER_DEGREE;
      drag.place = [-y0, x0, kilometres].map((value, place) => Number(value.toFixed(place < 2 ? 4 : kilometres < 10 ? 1 : 0)));
      show(drag.place);
    }
  });
  svg.addEventListener("pointerup", () => {
    if (drag?.place?.[2] > 0) drawn(drag.place);
    drag = null;
  });
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, at(event));
  }, { passive: false });

  const tool = (name, label, click) => button("button.button.quiet.round", { icon: icon(name), "aria-label": label, title: label, click });
  const tools = make(
    "div.place-tools", {}, make("span", { text: located.length ? "Drag to draw a circle" : "No picture here says where" }),
    make(
      "div", {}, tool("zoomOut", "Show more of the map", () => zoom(1.6)), tool("zoomIn", "Show less of the map", () => zoom(0.625)),
      tool("whole", "Show all places", () => look(around(located))),
    ),
  );
  look(around(near ? [[near[0], near[1]], ...located] : located));
  show(near);
  return { node: make("div", {}, svg, tools), show };
}

/** Return a view that holds all places, with some room. */
function around(located) {
  if (!located.length) return WORLD;
  const x = located.map(([, longitude]) => longitude);
  const y = located.map(([latitude]) => -latitude);
  const low = [Math.min(...x), Math.min(...y)];
  const high = [Math.max(...x), Math.max(...y)];
  const width = Math.max(8, (high[0] - low[0]) * 1.3, (((high[1] - low[1]) * WIDTH) / HEIGHT) * 1.3);
  return [(low[0] + high[0]) / 2 - width / 2, (low[1] + high[1]) / 2 - (width * HEIGHT) / WIDTH / 2, width];
}
