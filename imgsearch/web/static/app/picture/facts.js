/** What is known of a picture, in words: where, when, with what, and the files that hold it. */

import { address, sendJson, sentence } from "../core/api.js";
import { button, make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { toast } from "../core/voice.js";
import { bytes, counted, fileName, folderOf, moment, number, place } from "../core/words.js";
import { copy } from "../grid/empty.js";
import { Question } from "../search/question.js";

const NEAR = 5;

/** Return the list of facts. */
export function facts(entry) {
  const { taken, camera, lens, latitude, longitude } = entry;
  const megapixels = (entry.width * entry.height) / 1e6;
  const rows = [
    ["Taken", taken ? moment(taken) : "Without a date"],
    ["Size", `${number(entry.width)} × ${number(entry.height)}${megapixels >= 1 ? `, ${megapixels.toFixed(1)} MP` : ""}`],
    ["File", `${entry.format}, ${bytes(entry.bytes)}`],
    camera && ["Camera", browse(camera, { camera })],
    lens && ["Lens", browse(lens, { lens })],
    latitude !== null && ["Place", browse(place(latitude, longitude), { near: `${latitude},${longitude},${NEAR}` }, `Pictures within ${NEAR} km`)],
    ...(entry.details ?? []).map(({ name, value }) => [name, value]),
    ["Content", make("code.digest", { text: `${entry.content.slice(0, 16)}…`, title: entry.content })],
  ].filter(Boolean);
  return [make("dl.facts", {}, ...rows.flatMap(([name, value]) => [make("dt", { text: name }), make("dd", {}, value)]))];
}

function browse(text, filters, title = "Browse the pictures that share it") {
  return make("a", { href: new Question({ filters }).address("/browse"), text, title });
}

/** Return the files that hold a picture, with what can be done with each. */
export function files(entry, canReveal) {
  const items = entry.files.map(({ path, offline, hard_link: linked }, file) => make(
    "li", {},
    make("div.file-name", {}, make("strong", { text: fileName(path) }), make("span.soft", { text: folderOf(path), title: path })),
    offline && make("span.soft", { text: "Offline" }),
    linked && make("span.soft", { text: "Hard link", title: "Another name of the same bytes on the disk" }),
    button("button.button.quiet.round", {
      icon: icon("copy"), title: "Copy the path", "aria-label": `Copy the path of ${fileName(path)}`,
      click: () => copy(path, "The path is copied."),
    }),
    canReveal && !offline && button("button.button.quiet.round", {
      icon: icon("folder"), title: "Show in the file manager", "aria-label": `Show ${fileName(path)} in the file manager`,
      click: () => reveal(entry.content, file),
    }),
  ));
  const original = address(`/contents/${entry.content}/original`, { download: 1 });
  return [
    make("h2", { text: counted(items.length, "file") }),
    make("ul.files", {}, ...items),
    make("a.button", { href: original, download: fileName(entry.path) }, icon("download"), make("span", { text: "Save the original" })),
  ];
}

async function reveal(content, file) {
  try {
    await sendJson("POST", `/contents/${content}/reveal`, { file });
  } catch (error) {
    toast(sentence(error));
  }
}
