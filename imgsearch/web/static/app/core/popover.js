/** A small window beside the button that opened it; one at a time. */

import { make } from "./dom.js";

let open = null;
const FOCUSABLE = "button:not(:disabled), [href], input:not(:disabled), select, textarea, [tabindex='0']";

/**
 * Open beneath a button.
 *
 * @param {HTMLElement} opener gets the focus back
 * @param {string} label what a screen reader calls it
 * @param {Node[]} children
 * @param {{menu?: boolean}} [how]
 */
export function openPopover(opener, label, children, { menu = false } = {}) {
  if (open?.opener === opener) {
    closePopover();
    return null;
  }
  closePopover({ focus: false });
  const node = make(menu ? "div.popover.menu" : "div.popover", { role: "dialog", "aria-label": label }, ...children);
  const leave = new AbortController();
  open = { opener, node, leave };
  opener.setAttribute("aria-expanded", "true");
  document.body.append(node);
  place(node, opener);
  const { signal } = leave;
  document.addEventListener("pointerdown", (event) => {
    if (!node.contains(event.target) && !opener.contains(event.target)) closePopover({ focus: false });
  }, { signal, capture: true });
  document.addEventListener("keydown", (event) => onKey(event, { node, menu }), { signal, capture: true });
  window.addEventListener("resize", () => place(node, opener), { signal });
  node.querySelector(FOCUSABLE)?.focus();
  return node;
}

export function closePopover({ focus = true } = {}) {
  if (!open) return;
  const { opener, node, leave } = open;
  open = null;
  leave.abort();
  opener.setAttribute("aria-expanded", "false");
  node.remove();
  if (focus && opener.isConnected) opener.focus();
}

function onKey(event, { node, menu }) {
  if (event.key === "Escape") {
    event.stopPropagation();
    event.preventDefault();
    closePopover();
  } else if (event.key === "Tab") {
    const inside = [...node.querySelectorAll(FOCUSABLE)].filter((one) => one.getClientRects().length);
    const [first, last] = [inside[0], inside.at(-1)];
    const at = document.activeElement;
    if (!node.contains(at)) return;
    if (event.shiftKey && at === first) closePopover();
    else if (!event.shiftKey && at === last) closePopover();
    else return;
    event.preventDefault();
  } else if (menu && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    const items = [...node.querySelectorAll(FOCUSABLE)];
    const step = event.key === "ArrowDown" ? 1 : -1;
    items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    event.preventDefault();
  }
}

/** Put it beneath the opener, or above where there is no room, and never beyond the window's sides. */
function place(node, opener) {
  const { left, bottom, top } = opener.getBoundingClientRect();
  const { width, height } = node.getBoundingClientRect();
  const x = Math.max(16, Math.min(left, document.documentElement.clientWidth - width - 16));
  const above = bottom + 8 + height > window.innerHeight && top - 8 - height > 0;
  node.style.setProperty("position", "fixed");
  node.style.setProperty("left", `${x}px`);
  node.style.setProperty("top", `${above ? top - 8 - height : bottom + 8}px`);
  const room = above ? top - 16 : window.innerHeight - bottom - 24;
  node.style.setProperty("max-height", `${Math.min(600, Math.max(200, room))}px`);
}
