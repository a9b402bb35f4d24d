/** The files that could not be read: how many there are, and which, and why. */

import { getJson, sentence } from "../core/api.js";
import { button, make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { openDialog } from "../core/dialog.js";
import { counted } from "../core/words.js";

const SHOWN = 200;

/** Return what is to be said of unreadable files and absent folders, nothing where all is well. */
export function unreadableNotice({ unreadable, roots }, signal) {
  const lines = [];
  for (const { path, files } of roots.filter(({ online, files: held }) => !online && held)) {
    lines.push(make(
      "p.notice", {}, icon("offline"),
      make("span", { text: `${path} is not connected; ${counted(files, "file")} of it can be found, but not opened.` }),
    ));
  }
  if (unreadable) {
    lines.push(make(
      "p.notice", {}, icon("warning"), make("span", { text: `${counted(unreadable, "file")} could not be read.` }),
      button("button.button.quiet", { text: "Which?", click: () => show(signal) }),
    ));
  }
  return lines;
}

async function show(signal) {
  const list = make("ul.unreadable", {}, make("li.soft", { text: "Looking…" }));
  openDialog("Files that could not be read", [list]);
  try {
    const { files, total } = await getJson("/unreadable", { limit: SHOWN }, { signal });
    list.replaceChildren(...files.map(({ path, reason, offline }) => make(
      "li", {}, make("strong", { text: path }), make("span.soft", { text: offline ? `${reason} (offline now)` : reason }),
    )));
    if (total > files.length) list.append(make("li.soft", { text: `and ${counted(total - files.length, "more", "more")}` }));
  } catch (error) {
    list.replaceChildren(make("li", { text: sentence(error) }));
  }
}
