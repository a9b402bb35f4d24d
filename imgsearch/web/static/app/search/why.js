/** Why a match is one: both pictures, dark where nothing of the score comes from. */

import { address, sendJson, sentence } from "../core/api.js";
import { openDialog } from "../core/dialog.js";
import { make } from "../core/dom.js";
import { score } from "../core/words.js";
import { uploadOf, uploadView } from "./uploads.js";

const SIDE = 1024;
const DARKEST = 0.82;

/** Whether a question can be explained: it is about one picture, or a part of it, among whole ones. */
export const canSayWhy = ({ words, pictures, anywhere }) => !words && !anywhere && pictures.length === 1;

/** Open a window that shows where the picture asked about and a match agree. */
export async function showWhy(question, entry, signal) {
  const [{ content, file, crop }] = question.pictures;
  const stages = [make("div.why-stage"), make("div.why-stage")];
  const said = make("p.soft", { role: "status", text: "Looking at both once more…" });
  openDialog("Where the two agree", [
    make("div.why", {}, figure(stages[0], "The picture asked about"), figure(stages[1], "The match")), said,
  ], { wide: true });
  try {
    const one = file ? { upload: await uploadOf(content, { signal }) } : { content };
    if (crop) one.crop = crop;
    const found = await sendJson("POST", "/explanations", { one, other: { content: entry.content }, recipe: question.recipe }, { signal });
    const own = file ? await uploadView(content, { signal }) : view(content);
    show(stages[0], own, found.image);
    show(stages[1], view(entry.content), found.match);
    said.textContent = `Bright places make up the score of ${score(found.score)}; dark ones add nothing.`;
  } catch (error) {
    if (!signal.aborted) said.textContent = sentence(error);
  }
}

const view = (content) => address(`/contents/${content}/view`, { side: SIDE });

function figure(stage, text) {
  return make("figure", {}, stage, make("figcaption", { text }));
}

/** Show a picture beneath its map, which the browser smooths as it enlarges it. */
function show(stage, source, { values, box: [left, top, width, height], size: [across, down] }) {
  const veil = make("canvas", { width: values[0].length, height: values.length, "aria-hidden": "true" });
  const most = Math.max(...values.flat(), 1e-9);
  const pixels = new ImageData(veil.width, veil.height);
  values.flat().forEach((value, index) => {
    pixels.data[4 * index + 3] = 255 * DARKEST * (1 - Math.max(value, 0) / most);
  });
  veil.getContext("2d").putImageData(pixels, 0, 0);
  const percent = (part, whole) => `${(100 * part) / whole}%`;
  Object.assign(veil.style, { left: percent(left, across), top: percent(top, down), width: percent(width, across), height: percent(height, down) });
  stage.style.setProperty("aspect-ratio", `${across} / ${down}`);
  stage.style.setProperty("max-width", `calc(60vh * ${across / down})`);
  stage.replaceChildren(make("img", { src: source, alt: "" }), veil);
}
