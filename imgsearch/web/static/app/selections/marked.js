/** The bar that floats while pictures are marked: keep them as a set, take them away, ask with them. */

import { getJson, sendJson } from "../core/api.js";
import { button, make } from "../core/dom.js";
import { openDialog } from "../core/dialog.js";
import { icon } from "../core/icons.js";
import { marks } from "../core/marks.js";
import { go } from "../core/router.js";
import { announce, toast } from "../core/voice.js";
import { counted, number } from "../core/words.js";
import { Question } from "../search/question.js";
import { exportButton } from "./export.js";

const MOST_ASKED = 32;
const node = document.getElementById("marked");

export function startMarked() {
  const count = make("strong");
  const likes = button("button.button.quiet", { icon: icon("likes"), text: "Find likes", title: "What looks like all of these", click: askAll });
  node.append(
    count,
    button("button.button.quiet", { icon: icon("selections"), text: "Keep as a set", click: keep }),
    exportButton("button.button.quiet", () => ({ contents: marks.contents, name: "marked" })), likes,
    button("button.button.quiet.round", { icon: icon("close"), "aria-label": "Unmark all", title: "Unmark all", click: () => marks.clear() }),
  );
  const show = () => {
    const held = node.contains(document.activeElement);
    node.hidden = !marks.size;
    count.textContent = `${number(marks.size)} marked`;
    likes.hidden = marks.size > MOST_ASKED;
    if (held && node.hidden) document.getElementById("main").focus({ preventScroll: true });
  };
  marks.addEventListener("change", () => {
    show();
    announce(marks.size ? `${marks.size} marked` : "Nothing is marked");
  });
  show();
}

function askAll() {
  go(marks.contents.reduce((question, content) => question.adding({ content }), new Question()).address());
}

async function keep() {
  let names = [];
  try {
    names = (await getJson("/sets")).sets.map(({ name }) => name);
  } catch {
    // The name can be typed without them; keeping it says what is wrong.
  }
  const list = make("datalist", { id: "set-names" }, ...names.map((name) => make("option", { value: name })));
  const field = make("input.field", {
    name: "name", required: true, maxlength: 100, list: "set-names", autocomplete: "off", autofocus: true, "aria-label": "Name of the set",
    placeholder: "Holidays, best of 2024, to print …",
  });
  openDialog(`Keep ${counted(marks.size, "picture")} as a set`, [
    field, list, make("p.soft.hint", { text: "With the name of a set that is there, the pictures join it. Your files stay where they are." }),
  ], {
    action: "Keep",
    async act(form) {
      const name = form.get("name").trim();
      if (!name) throw new Error("Give the set a name.");
      const held = names.includes(name) ? (await getJson(`/sets/${encodeURIComponent(name)}`)).contents.map(({ content }) => content) : [];
      await sendJson("PUT", `/sets/${encodeURIComponent(name)}`, { contents: [...new Set([...held, ...marks.contents])] });
      marks.clear();
      toast(`Kept in “${name}”.`);
      go(`/selections?set=${encodeURIComponent(name)}`);
    },
  });
}
