/** What the page says: aloud for screen readers, and in short messages that pass. */

import { make } from "./dom.js";

const SHOWN = 5000;
const live = document.getElementById("live");
const toasts = document.getElementById("toasts");
let waiting;

/** Let a screen reader say something; of several in quick succession the last. */
export function announce(text) {
  clearTimeout(waiting);
  waiting = setTimeout(() => { live.textContent = text; }, 150);
}

/** Show a message for five seconds; it is read aloud too. */
export function toast(text) {
  const shown = make("p.toast", { text });
  toasts.append(shown);
  while (toasts.children.length > 3) toasts.firstChild.remove();
  setTimeout(() => shown.remove(), SHOWN);
}
