/** The selections page: the sets that were kept, and one of them opened. */

import { connection, getJson, sendJson, sentence } from "../core/api.js";
import { button, make } from "../core/dom.js";
import { openDialog } from "../core/dialog.js";
import { icon } from "../core/icons.js";
import { marks } from "../core/marks.js";
import { go, reopen } from "../core/router.js";
import { leaveTrail } from "../core/trail.js";
import { toast } from "../core/voice.js";
import { counted, day } from "../core/words.js";
import { actOn } from "../grid/actions.js";
import { failure } from "../grid/empty.js";
import { Pictures } from "../grid/pictures.js";
import { hasThumbnail, thumbnail } from "../grid/tile.js";
import { Grid } from "../grid/window.js";
import { Question } from "../search/question.js";
import { exportButton } from "./export.js";

const COVER = 4;

export async function openSelections({ parameters, signal, place }) {
  const main = document.getElementById("main");
  const open = (next, back) => (next.get("set") ? showSet(main, next.get("set"), signal, back) : showSets(main, signal, back));
  connection.addEventListener("back", reopen, { signal });
  await open(parameters, place);
}

const link = (name) => `/selections?set=${encodeURIComponent(name)}`;
const path = (name) => `/sets/${encodeURIComponent(name)}`;

async function showSets(main, signal, place) {
  document.title = "Selections · imgsearch";
  main.replaceChildren(make("div.page-head", {}, make("h1", { text: "Selections" })));
  try {
    const { sets } = await getJson("/sets", {}, { signal });
    main.append(sets.length ? make("ul.sets", {}, ...sets.map((set) => card(set, signal))) : noSets());
    window.scrollTo(0, place.scroll);
  } catch (error) {
    if (!signal.aborted) main.append(failure(sentence(error), reopen));
  }
}

function noSets() {
  return make(
    "section.empty", {}, icon("selections"), make("h2", { text: "No sets yet" }),
    make("p", { text: "Mark pictures with the tick on them, or with Space; then keep them under a name, or take them away as a list, a zip or a folder of links." }),
    make("a.button", { href: "/browse", text: "Browse the pictures" }),
  );
}

function card({ name, count, changed }, signal) {
  const cover = make("span.set-cover", { "aria-hidden": "true" });
  getJson(path(name), {}, { signal }).then(({ contents }) => {
    for (const { content, colour } of contents.filter((one) => one.path && hasThumbnail(one)).slice(0, COVER)) {
      cover.append(make("img", { src: thumbnail(content, 160), alt: "", style: { "background-color": colour ?? "" } }));
    }
  }, () => {});
  return make("li", {}, make(
    "a", { href: link(name) }, cover, make("strong", { text: name }), make("span.soft", { text: `${counted(count, "picture")} · ${day(changed)}` }),
  ));
}

async function showSet(main, name, signal, place) {
  document.title = `${name} · imgsearch`;
  let set;
  try {
    set = await getJson(path(name), {}, { signal });
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(failure(sentence(error), () => go("/selections")));
    return;
  }
  const pictures = new Pictures(set.contents.filter((entry) => entry.path !== undefined));
  const gone = set.contents.length - pictures.count;
  main.replaceChildren(make(
    "div.page-head", {}, make("a.button.quiet", { href: "/selections" }, icon("left"), make("span", { text: "All sets" })),
    make("h1", { text: name }), make("span.soft", { text: counted(pictures.count, "picture") }),
    exportButton("button.button", () => ({ contents: set.contents.map(({ content }) => content), name })),
    button("button.button", { icon: icon("check"), text: "Mark all", click: () => marks.add(pictures.entries) }),
    button("button.button", { icon: icon("minus"), text: "Take out the marked", id: "take-out", click: () => takeOut(name, set.contents) }),
    button("button.button", { icon: icon("pencil"), text: "Rename", click: () => rename(name, set.contents) }),
    button("button.button.danger", { icon: icon("trash"), text: "Delete the set", click: () => remove(name, set.contents) }),
  ));
  if (gone) main.append(make("p.notice", {}, icon("offline"), make("span", { text: `${counted(gone, "picture")} of this set ${gone === 1 ? "is" : "are"} no longer in the gallery.` })));
  const grid = new Grid(pictures, { label: `The set ${name}`, href: ({ content }) => `/content/${content}` }, signal);
  actOn(grid, { likes: ({ content }) => go(new Question().adding({ content }).address()) }, signal);
  grid.node.addEventListener("click", () => leaveTrail({ contents: pictures.entries.map(({ content }) => content) }, link(name)), { signal });
  main.append(grid.node);
  const held = new Set(set.contents.map(({ content }) => content));
  const show = () => { document.getElementById("take-out").hidden = !marks.contents.some((content) => held.has(content)); };
  marks.addEventListener("change", show, { signal });
  show();
  grid.arrange();
  grid.restore(place);
}

async function takeOut(name, contents) {
  await saying(async () => {
    await sendJson("PUT", path(name), { contents: contents.map(({ content }) => content).filter((content) => !marks.has(content)) });
    marks.clear();
    reopen();
  });
}

function rename(name, contents) {
  const field = make("input.field", { name: "name", value: name, required: true, maxlength: 100, autocomplete: "off", autofocus: true, "aria-label": "New name" });
  openDialog("Rename the set", [field], {
    action: "Rename",
    async act(form) {
      const next = form.get("name").trim();
      if (!next || next === name) return;
      const { sets } = await getJson("/sets");
      if (sets.some((set) => set.name === next)) throw new Error(`There is a set “${next}” already.`);
      await sendJson("PUT", path(next), { contents: contents.map(({ content }) => content) });
      await sendJson("DELETE", path(name));
      go(link(next), { replace: true });
    },
  });
}

/** Ask, and delete a set. */
function remove(name, contents) {
  openDialog(`Delete the set “${name}”?`, [make("p", { text: `Only the list of its ${counted(contents.length, "picture")} is deleted. The pictures stay where they are.` })], {
    action: "Delete the set",
    async act() {
      await sendJson("DELETE", path(name));
      toast(`The set “${name}” is deleted.`);
      go("/selections", { replace: true });
    },
  });
}

async function saying(act) {
  try {
    await act();
  } catch (error) {
    toast(sentence(error));
  }
}
