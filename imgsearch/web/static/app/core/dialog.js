/** Windows that wait for an answer; the browser's own dialog keeps the focus inside. */

import { button, freshId, make } from "./dom.js";

/**
 * Open a dialog.
 *
 * @param {string} title
 * @param {Node[]} children
 * @param {{action?: string, act?: (form: FormData) => void|Promise<void>, wide?: boolean}} [given]
 *   `action` names the main button; `act` may throw an Error, whose message is then shown
 */
export function openDialog(title, children, { action, act, wide = false } = {}) {
  const id = freshId("title");
  const wrong = make("p.notice.bad", { role: "alert", hidden: true });
  const close = button("button.button", { text: action ? "Cancel" : "Close", click: () => dialog.close() });
  const form = make(
    "form", { method: "dialog" }, make("h2", { id, text: title }), ...children, wrong,
    make("div.dialog-end", {}, close, action && make("button.button.main", { type: "submit", text: action })),
  );
  const dialog = make(wide ? "dialog.wide" : "dialog", { "aria-labelledby": id }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await act?.(new FormData(form));
      dialog.close();
    } catch (error) {
      wrong.textContent = error.message;
      wrong.hidden = false;
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
