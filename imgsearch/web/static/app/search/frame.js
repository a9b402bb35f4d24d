/** A frame on a picture: drawn, moved and stretched with the mouse, a finger or the keyboard. */

import { make } from "../core/dom.js";

const LEAST = 4;
const STEP = 2;
const PAUSE = 500;
const WHOLE = 97;
const CORNERS = ["nw", "ne", "sw", "se"];

/**
 * Make a stage on which a frame can be drawn over an image.
 *
 * @param {HTMLImageElement} image
 * @param {{crop: number[]?, change: (crop: number[]|null) => void}} given `crop` in percent;
 *   `change` is called when the person has finished, with null when the frame is gone
 */
export function makeFrame(image, { crop, change }) {
  const box = make("div.frame-box", { role: "group", tabindex: 0 }, ...CORNERS.map((corner) => make(`span.frame-corner.${corner}`)));
  const stage = make("div.frame-stage", {}, image, box);
  const state = { crop, drag: null, pause: null };

  function show() {
    box.hidden = !state.crop;
    stage.classList.toggle("framed", Boolean(state.crop));
    if (!state.crop) return;
    const [left, top, width, height] = state.crop;
    for (const [side, value] of Object.entries({ left, top, width, height })) box.style.setProperty(side, `${value}%`);
    box.setAttribute(
      "aria-label",
      `Frame: ${Math.round(width)} by ${Math.round(height)} percent of the picture, ${Math.round(left)} from the left, ` +
        `${Math.round(top)} from the top. Arrow keys move it, with Shift they stretch it, Delete takes it away.`,
    );
  }

  function set(next, { later = false } = {}) {
    state.crop = next;
    show();
    clearTimeout(state.pause);
    if (later) state.pause = setTimeout(() => change(state.crop), PAUSE);
    else change(state.crop);
  }

  function place(event) {
    const { left, top, width, height } = stage.getBoundingClientRect();
    return [limit(((event.clientX - left) / width) * 100, 0, 100), limit(((event.clientY - top) / height) * 100, 0, 100)];
  }

  stage.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    const corner = CORNERS.find((name) => event.target.classList.contains(name));
    const inside = box.contains(event.target);
    state.drag = { from: place(event), before: state.crop, corner, kind: corner ? "stretch" : inside ? "move" : "draw" };
  });

  stage.addEventListener("pointermove", (event) => {
    if (!state.drag) return;
    state.crop = dragged(state.drag, place(event));
    show();
  });

  stage.addEventListener("pointerup", () => {
    const { drag } = state;
    state.drag = null;
    if (!drag) return;
    const next = state.crop;
    const tiny = !next || next[2] < LEAST || next[3] < LEAST;
    const whole = next && next[2] >= WHOLE && next[3] >= WHOLE;
    const final = tiny || whole ? (drag.kind === "draw" ? null : drag.before) : next;
    if (String(final) === String(drag.before)) {
      state.crop = drag.before;
      show();
    } else {
      set(final);
    }
  });

  stage.addEventListener("pointercancel", () => {
    if (state.drag) state.crop = state.drag.before;
    state.drag = null;
    show();
  });

  box.addEventListener("keydown", (event) => {
    const [x, y] = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key] ?? [0, 0];
    if (event.key === "Delete" || event.key === "Backspace" || event.key === "Escape") {
      set(null);
    } else if (x || y) {
      const [left, top, width, height] = state.crop;
      set(
        event.shiftKey
          ? [left, top, limit(width + x, LEAST, 100 - left), limit(height + y, LEAST, 100 - top)]
          : [limit(left + x, 0, 100 - width), limit(top + y, 0, 100 - height), width, height],
        { later: true },
      );
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });

  show();
  return {
    stage,
    /** Begin with a frame in the middle, for whoever has no pointer. */
    begin() {
      set([25, 25, 50, 50]);
      box.focus();
    },
    clear: () => set(null),
    /** Show another frame without telling anyone. */
    show(next) {
      if (state.drag) return;
      state.crop = next;
      show();
    },
  };
}

/** Return the frame that a drag makes, in percent. */
function dragged({ from, before, corner, kind }, [x, y]) {
  if (kind === "draw") return between(from, [x, y]);
  const [left, top, width, height] = before;
  if (kind === "move") {
    return [limit(left + x - from[0], 0, 100 - width), limit(top + y - from[1], 0, 100 - height), width, height];
  }
  const fixed = [corner.includes("w") ? left + width : left, corner.includes("n") ? top + height : top];
  return between(fixed, [x, y]);
}

function between([x0, y0], [x1, y1]) {
  return [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];
}

function limit(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
