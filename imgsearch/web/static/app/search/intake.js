/** Pictures that come in: dropped, pasted, chosen, or dragged over from the grid. */

import { announce, toast } from "../core/voice.js";
import { make } from "../core/dom.js";
import { sentence } from "../core/api.js";
import { upload } from "./uploads.js";

const DRAGGED = "application/x-imgsearch-content";

/**
 * Let the whole window take pictures.
 *
 * @param {{took: Function, working: Function}} tell `took({content, file}, {beside})` for each picture, where
 *   `beside` joins it to those asked about; `working(true|false)` around the sending
 */
export function takeIn({ took, working }, signal) {
  const veil = make("div.drop-veil", { hidden: true, "aria-hidden": "true" }, make("p", { text: "Drop to find its likes" }));
  document.body.append(veil);
  signal.addEventListener("abort", () => veil.remove());
  let depth = 0;
  const listen = (event, listener) => window.addEventListener(event, listener, { signal });
  const wanted = (event) => [...event.dataTransfer.types].some((type) => type === "Files" || type === DRAGGED);

  listen("dragenter", (event) => {
    if (!wanted(event)) return;
    depth += 1;
    veil.hidden = false;
  });
  listen("dragleave", (event) => {
    if (!wanted(event)) return;
    depth -= 1;
    veil.hidden = depth > 0 ? veil.hidden : true;
  });
  listen("dragover", (event) => {
    if (wanted(event)) event.preventDefault();
  });
  listen("drop", (event) => {
    depth = 0;
    veil.hidden = true;
    if (!wanted(event)) return;
    event.preventDefault();
    const beside = Boolean(event.target.closest?.(".asked"));
    const content = event.dataTransfer.getData(DRAGGED);
    if (content) took({ content, file: false }, { beside });
    else send([...event.dataTransfer.files], { beside });
  });
  listen("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    send(files);
  });

  async function send(files, { beside = false } = {}) {
    working(true);
    announce("Sending the picture.");
    for (const [place, file] of files.entries()) {
      try {
        const { content } = await upload(file, { signal });
        took({ content, file: true }, { beside: beside || place > 0 });
      } catch (error) {
        if (signal.aborted) return;
        toast(`${file.name ?? "The picture"}: ${sentence(error)}`);
      }
    }
    working(false);
  }

  return {
    /** Open the system's dialog; `beside` joins the pictures to those asked about. */
    choose({ beside = false } = {}) {
      const input = make("input", { type: "file", accept: "image/*,.heic,.heif,.jxl,.dng,.cr2,.cr3,.nef,.arw,.raf,.orf,.rw2", multiple: true });
      input.addEventListener("change", () => send([...input.files], { beside }));
      input.click();
    },
  };
}
