/** The icons: 24 by 24, strokes only, drawn in the colour of the text. */

import { draw } from "./dom.js";

const PATHS = {
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM20 20l-4-4",
  browse: "M4 5h7v7H4zM14 5h6v4h-6zM14 12h6v7h-6zM4 15h7v4H4z",
  map: "M9 4 3 6.5v13.5l6-2.5 6 2.5 6-2.5V4l-6 2.5ZM9 4v13.5M15 6.5V20",
  duplicates: "M8 8V5a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1h-3M4 9a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1Z",
  selections: "M6 4h12a1 1 0 0 1 1 1v15l-7-4.5L5 20V5a1 1 0 0 1 1-1Z",
  backbones: "M4 5h6v14H4zM14 5h6v14h-6z",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  check: "m5 12.5 4.5 4.5L19 7.5",
  frame: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4",
  part: "M4 5h16v14H4zM8 9h7v6H8z",
  down: "m6 9 6 6 6-6",
  left: "m15 5-7 7 7 7",
  right: "m9 5 7 7-7 7",
  rotate: "M20 12a8 8 0 1 1-2.4-5.7M20 4v4.5h-4.5",
  zoomIn: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM20 20l-4-4M11 8v6M8 11h6",
  zoomOut: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM20 20l-4-4M8 11h6",
  whole: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  info: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 11v5M12 7.8v.2",
  folder: "M3.5 6.5a1 1 0 0 1 1-1H10l2 2.5h7.5a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-15a1 1 0 0 1-1-1Z",
  camera: "M4 8h3l1.5-2.5h7L17 8h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1ZM12 10a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4Z",
  place: "M12 21s-6.5-6-6.5-11a6.5 6.5 0 0 1 13 0c0 5-6.5 11-6.5 11ZM12 7.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4Z",
  download: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  picture: "M4 5h16v14H4zM4 16l4.5-4.5 4 4 3-3L20 17M15.5 8.8v.2",
  add: "M12 15V5M7.5 9.5 12 5l4.5 4.5M5 19h14",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  likes: "M12 4l1.8 5.2L19 11l-5.2 1.8L12 18l-1.8-5.2L5 11l5.2-1.8ZM19 16v4M17 18h4",
  trash: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 13h9l1-13M10 11v5.5M14 11v5.5",
  offline: "M5 5l14 14M9.5 5H14a5 5 0 0 1 4.8 6.4M16 16.9A5 5 0 0 1 14 17H8a4.5 4.5 0 0 1-1.2-8.8",
  warning: "M12 4 2.8 19.5h18.4ZM12 10v4.5M12 17v.2",
  keyboard: "M3 7h18v11H3zM6.5 10.5v.1M10 10.5v.1M13.5 10.5v.1M17 10.5v.1M8 14.5h8",
  pencil: "M4 20l1-4.5L16.5 4l3.5 3.5L8.5 19ZM14.5 6l3.5 3.5",
  lasso: "M12 4c4.7 0 8.5 2.5 8.5 5.6s-3.8 5.6-8.5 5.6-8.5-2.5-8.5-5.6S7.3 4 12 4ZM7.5 14.6a2.4 2.4 0 1 0 0 4.8 2.4 2.4 0 0 0 0-4.8ZM7.5 19.4c0 1.2-.7 1.9-1.8 2.1",
  spark: "M4 19 10 5l4 9 2.5-4L20 19",
};

/** Return an icon by its name; it says nothing to a screen reader. */
export function icon(name) {
  return draw(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    draw("path", { d: PATHS[name] }),
  );
}
