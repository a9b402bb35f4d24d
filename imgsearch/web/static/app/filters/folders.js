/** Folders, as a tree that opens where a person opens it. */

import { getJson } from "../core/api.js";
import { button, make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { number } from "../core/words.js";

// The names of the folders seen so far, so that a chip need not ask.
const names = new Map();

export const folders = {
  label: "Folder",
  keys: ["under"],
  says({ under }) {
    if (!under) return null;
    return under.length === 1 ? (names.get(under[0]) ?? "One folder") : `${under.length} folders`;
  },
  async build({ filters, apply, signal }) {
    const chosen = new Set(filters.under ?? []);
    const changed = (folder, on) => {
      if (on) chosen.add(folder);
      else chosen.delete(folder);
      apply(chosen.size ? { under: [...chosen] } : {});
    };
    return [await branch(null, { chosen, changed, signal })];
  },
};

/** Learn the names of folders, as other answers give them. */
export function learnFolders(found) {
  for (const { folder, name } of found) names.set(folder, name);
}

async function branch(under, how) {
  const { folders: found } = await getJson("/folders", { under }, { signal: how.signal });
  learnFolders(found);
  const list = make("ul.tree", {}, ...found.map((folder) => twig(folder, how)));
  if (!found.length) return make("p.soft", { text: "No folders yet." });
  // A single root is opened at once.
  if (!under && found.length === 1 && found[0].children) await list.querySelector("li").open();
  return list;
}

function twig({ folder, name, contents, children, online }, how) {
  const input = make("input", { type: "checkbox", checked: how.chosen.has(folder) });
  input.addEventListener("change", () => how.changed(folder, input.checked));
  const line = make(
    "label.check", {}, input, make("span", { text: name, title: name }),
    make("span.soft", { text: online ? number(contents) : "offline" }),
  );
  const node = make("li", {}, line);
  if (!children) return node;
  let inner = null;
  const more = button("button.tree-more", {
    icon: icon("right"), "aria-expanded": "false", "aria-label": `Folders in ${name}`, click: () => node.open(),
  });
  node.prepend(more);
  node.open = async () => {
    const open = more.getAttribute("aria-expanded") === "true";
    more.setAttribute("aria-expanded", String(!open));
    inner ??= node.appendChild(await branch(folder, how));
    inner.hidden = open;
  };
  return node;
}
