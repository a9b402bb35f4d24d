/** What a person does to the pictures of a grid, with the mouse, a finger or the keyboard. */

import { marks } from "../core/marks.js";

const HELD = 450;

/**
 * Let a grid answer to clicks and keys.
 *
 * @param {import("./window.js").Grid} grid
 * @param {{likes?: Function, add?: Function, why?: Function}} act `likes(entry)` asks for likes,
 *   `add(entry, minus)` adds the picture to the question, `why(entry)` shows why it is a match
 */
export function actOn(grid, act, signal) {
  const pointed = { from: null, held: null, swallow: false };
  const at = (event) => event.target.closest?.(".tile[data-content]");
  const indexOf = (tile) => Number(tile.dataset.index);

  function mark(index, range) {
    const { source } = grid;
    if (range && pointed.from !== null && pointed.from !== index) {
      markRange(Math.min(index, pointed.from), Math.max(index, pointed.from));
    } else {
      marks.toggle(source.entry(index));
    }
    pointed.from = index;
  }

  /** Mark the pictures of a range whose entries are there. */
  function markRange(first, last) {
    const entries = [];
    for (let index = first; index <= last; index += 1) if (grid.source.entry(index)) entries.push(grid.source.entry(index));
    marks.add(entries);
  }

  grid.node.addEventListener("click", (event) => {
    const tile = at(event);
    if (!tile) return;
    const index = indexOf(tile);
    if (pointed.swallow) {
      pointed.swallow = false;
      event.preventDefault();
    } else if (event.target.closest(".tile-mark") || (marks.size && (event.shiftKey || event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      mark(index, event.shiftKey);
    } else if (act.why && event.target.closest(".tile-score")) {
      act.why(grid.source.entry(index));
    } else if (event.target.closest(".tile-like")) {
      act.likes?.(grid.source.entry(index));
    }
  }, { signal });

  // A finger that rests on a picture marks it.
  grid.node.addEventListener("pointerdown", (event) => {
    const tile = at(event);
    pointed.swallow = false;
    if (!tile || event.pointerType !== "touch") return;
    pointed.held = setTimeout(() => {
      pointed.swallow = true;
      mark(indexOf(tile), false);
    }, HELD);
  }, { signal });
  for (const end of ["pointerup", "pointercancel", "pointermove"]) {
    grid.node.addEventListener(end, () => clearTimeout(pointed.held), { signal });
  }
  grid.node.addEventListener("contextmenu", (event) => {
    if (pointed.swallow) event.preventDefault();
  }, { signal });

  grid.node.addEventListener("dragstart", (event) => {
    const tile = at(event);
    if (tile) event.dataTransfer.setData("application/x-imgsearch-content", tile.dataset.content);
  }, { signal });

  grid.node.addEventListener("focusin", (event) => {
    const tile = at(event);
    if (tile && indexOf(tile) !== grid.focused) grid.focus(indexOf(tile), { scroll: false });
  }, { signal });

  grid.node.addEventListener("keydown", (event) => {
    const tile = at(event);
    if (!tile || event.altKey || event.metaKey) return;
    const index = indexOf(tile);
    const entry = grid.source.entry(index);
    if (event.ctrlKey && event.key === "a") {
      event.preventDefault();
      markRange(0, grid.source.count - 1);
      return;
    }
    const moved = event.ctrlKey && event.key !== "Home" && event.key !== "End" ? null : target(grid, index, event);
    if (moved !== null) grid.focus(moved);
    else if (event.ctrlKey) return;
    else if (event.key === " ") mark(index, event.shiftKey);
    else if (event.key === "l" && act.likes) act.likes(entry);
    else if (event.key === "w" && act.why) act.why(entry);
    else if (event.key === "+" && act.add) act.add(entry, false);
    else if (event.key === "-" && act.add) act.add(entry, true);
    else return;
    event.preventDefault();
  }, { signal });
}

/** Return the picture that a key leads to, null for other keys. */
function target(grid, index, event) {
  const { layout } = grid;
  const row = layout.rowOf(index);
  const screen = () => Math.max(1, Math.floor(window.innerHeight / (layout.height[row] + layout.measures.gap)) - 1);
  switch (event.key) {
    case "ArrowLeft": return index - 1;
    case "ArrowRight": return index + 1;
    case "ArrowUp": return beside(grid, index, row - 1);
    case "ArrowDown": return beside(grid, index, row + 1);
    case "PageUp": return beside(grid, index, Math.max(0, row - screen()));
    case "PageDown": return beside(grid, index, Math.min(layout.rows - 1, row + screen()));
    case "Home": return event.ctrlKey ? 0 : layout.first[row];
    case "End": return event.ctrlKey ? layout.count - 1 : layout.first[row + 1] - 1;
    default: return null;
  }
}

/** Return the picture of another row that stands nearest above or below. */
function beside(grid, index, row) {
  const { layout, source } = grid;
  if (row < 0 || row >= layout.rows) return index;
  const ratio = (each) => source.ratio(each);
  const middle = ({ left, width }) => left + width / 2;
  const here = middle(layout.cells(layout.rowOf(index), ratio).find((cell) => cell.index === index));
  const cells = layout.cells(row, ratio);
  return cells.reduce((best, cell) => (Math.abs(middle(cell) - here) < Math.abs(middle(best) - here) ? cell : best)).index;
}
