/** Mouse, fingers and wheel on the stage: one finger moves, two zoom, and the lasso where it is asked for. */

const CLICK = 5;
const WHEEL = 500;

/**
 * Let a stage answer to pointers.
 *
 * @param {HTMLElement} node the stage
 * @param {object} act
 *   `camera`, `moved()` after the camera has; `lasso` and `lassoing()`, whether dragging draws it;
 *   `hover(place)` and `leave()` of a mouse; `click(place, event)`
 */
export function listenToPointers(node, act, signal) {
  const down = new Map();
  let [travelled, drawing] = [0, false];
  const place = (event) => {
    const { left, top } = node.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };

  node.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    act.camera.zoom(Math.exp((-event.deltaY * lines * (event.ctrlKey ? 4 : 1)) / WHEEL), place(event));
    act.moved();
  }, { passive: false, signal });

  node.addEventListener("dblclick", (event) => {
    act.camera.zoom(2, place(event));
    act.moved();
  }, { signal });

  node.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    if (!down.size) {
      travelled = 0;
      drawing = act.lassoing() || event.shiftKey;
      if (drawing) act.lasso.begin(place(event));
    } else if (drawing) {
      drawing = false;
      act.lasso.drop();
    }
    down.set(event.pointerId, place(event));
  }, { signal });

  // On the window: a drag that has begun goes on beside the stage, and a click on a link stays one.
  window.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    const now = place(event);
    if (!before) {
      if (event.pointerType === "mouse" && node.contains(event.target)) act.hover(now, event);
      return;
    }
    travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
    down.set(event.pointerId, now);
    if (drawing) {
      act.lasso.extend(now);
    } else if (travelled > CLICK) {
      const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
      if (other) pinch(act.camera, before, now, other);
      else act.camera.pan(now[0] - before[0], now[1] - before[1]);
      node.classList.add("moving");
      act.moved();
    }
  }, { signal });

  for (const end of ["pointerup", "pointercancel"]) {
    window.addEventListener(end, (event) => {
      if (!down.delete(event.pointerId) || down.size) return;
      node.classList.remove("moving");
      if (drawing && end === "pointerup" && travelled > CLICK) act.lasso.end();
      else if (drawing) act.lasso.drop();
      drawing = false;
    }, { signal });
  }

  node.addEventListener("click", (event) => {
    if (travelled > CLICK) event.preventDefault();
    else act.click(place(event), event);
  }, { signal });
  node.addEventListener("pointerleave", () => act.leave(), { signal });
}

function pinch(camera, before, now, other) {
  const apart = ([left, top]) => Math.max(1, Math.hypot(left - other[0], top - other[1]));
  camera.zoom(apart(now) / apart(before), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
  camera.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
}
