/** The duplicates page: look for them, go through the groups by key, save a plan. */

import { connection, sendJson, sentence } from "../core/api.js";
import { button, make } from "../core/dom.js";
import { info } from "../core/gallery.js";
import { icon } from "../core/icons.js";
import { reopen } from "../core/router.js";
import { announce, toast } from "../core/voice.js";
import { counted, fileName, number } from "../core/words.js";
import { failure } from "../grid/empty.js";
import { isTyping } from "../shell/keys.js";
import { decisions } from "./decisions.js";
import { GroupList } from "./group_list.js";
import { filesOf, Groups } from "./groups.js";
import { planBar } from "./plan.js";
import { canBeApart, Review } from "./review.js";
import { kindMeaning, kindName, kinds } from "./words.js";

const POLL = 700;

export async function openDuplicates({ parameters, signal }) {
  document.title = "Duplicates · imgsearch";
  const main = document.getElementById("main");
  const kind = kinds.includes(parameters.get("kind")) ? parameters.get("kind") : null;
  connection.addEventListener("back", reopen, { signal });
  main.replaceChildren(make("div.page-head", {}, make("h1", { text: "Duplicates" })));
  try {
    const { can } = await info();
    const found = can.duplicates ? await Groups.ask({ kind, signal }) : null;
    if (signal.aborted) return;
    if (!found) main.append(make("section.empty", {}, icon("duplicates"), make("h2", { text: "This gallery cannot look for duplicates yet" }), make("p", { text: "Run imgsearch index once more, so that it learns what it needs to know of each picture." })));
    else if (found.state === "ready") new DuplicatesPage(main, new Groups(found, { kind, signal }), kind, signal);
    else if (found.state === "running") await wait(main, found, signal);
    else if (found.state === "failed") main.append(failure(found.reason, look));
    else main.append(invitation());
  } catch (error) {
    if (!signal.aborted) main.append(failure(sentence(error), reopen));
  }
}

function invitation() {
  return make(
    "section.empty", {}, icon("duplicates"), make("h2", { text: "Which pictures are there twice?" }),
    make("p", { text: "imgsearch finds identical files, copies in other sizes and formats, edits, and bursts. You look at each group and decide; nothing is ever deleted from this page." }),
    button("button.button.main", { icon: icon("search"), text: "Look for duplicates", click: look }),
  );
}

async function look() {
  try {
    await sendJson("POST", "/duplicates", {});
    reopen();
  } catch (error) {
    toast(sentence(error));
  }
}

async function wait(main, { progress }, signal) {
  const bar = make("progress", { max: 1, value: progress, "aria-label": "Looking for duplicates" });
  main.append(make("section.empty", {}, icon("duplicates"), make("h2", { text: "Looking for duplicates" }), bar, make("p", { text: "You can go on searching and browsing meanwhile." })));
  let state = "running";
  while (state === "running") {
    await new Promise((resolve) => { setTimeout(resolve, POLL); });
    if (signal.aborted) return;
    const now = await Groups.ask({ signal });
    ({ state } = now);
    bar.value = now.progress;
  }
  reopen();
}

class DuplicatesPage {
  constructor(main, groups, kind, signal) {
    this.groups = groups;
    this.at = 0;
    this.chosen = 1;
    const choices = [null, ...kinds].map((one) => make("a.toggle", {
      href: one ? `/duplicates?kind=${one}` : "/duplicates", title: one ? kindMeaning(one) : null, "aria-current": one === kind ? "true" : null, text: one ? kindName(one) : "All",
    }));
    main.firstChild.append(
      make("nav.chips", { "aria-label": "Kinds" }, ...choices), make("span.soft", { text: counted(groups.total, "group") }),
      button("button.button", { text: "Look again", click: look }),
    );
    if (!groups.total) {
      main.append(make("section.empty", {}, icon("check"), make("h2", { text: kind ? "None of this kind" : "No duplicates" }), make("p", { text: "Every picture is there once." })));
      return;
    }
    this.list = new GroupList(groups, (index) => this.go(index), signal);
    this.review = new Review({
      decide: (decision) => this.decide(decision), accept: () => this.accept(), choose: (index) => this.choose(index),
    }, signal);
    main.append(make("div.duplicates", {}, this.list.node, this.review.node), planBar(signal));
    groups.addEventListener("more", () => this.show(), { signal });
    groups.addEventListener("failed", ({ detail }) => toast(sentence(detail)), { signal });
    decisions.addEventListener("change", () => this.show(), { signal });
    document.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    this.go(0);
  }

  get group() {
    return this.groups.at(this.at);
  }

  show() {
    if (this.group) this.review.show(this.group, this.chosen, `${number(this.at + 1)} of ${number(this.groups.total)}`);
  }

  /** Go to a group. */
  go(index) {
    this.at = Math.min(this.groups.total - 1, Math.max(0, index));
    this.chosen = 1;
    this.list.choose(this.at);
    this.show();
    if (this.group) announce(`Group ${this.at + 1}: ${kindName(this.group.kind)}, ${counted(filesOf(this.group).length, "file")}`);
  }

  /** Choose a file of the group. */
  choose(index) {
    const files = filesOf(this.group);
    this.chosen = Math.min(files.length - 1, Math.max(0, index));
    this.show();
    announce(fileName(files[this.chosen].path));
  }

  /** Decide on the chosen file; the same decision again takes it back. */
  async decide(decision) {
    const { group } = this;
    const file = filesOf(group)[this.chosen];
    const before = decisions.of(group, file.path);
    const next = before === decision ? null : decision;
    if (decision === "apart" || before === "apart") {
      if (!canBeApart(group, file)) return;
      try {
        await sendJson("POST", "/duplicates/verdicts", { one: group.keeper.content, other: file.content, same: next !== "apart" });
      } catch (error) {
        toast(sentence(error));
        return;
      }
    }
    if (!decisions.set(group, file, next)) toast("One file of a group stays; keep another one first.");
    else announce(`${fileName(file.path)}: ${{ keep: "keep", drop: "drop", apart: "not the same" }[next] ?? "undecided"}`);
  }

  accept() {
    decisions.accept(this.group);
    announce("The first is kept, the others dropped.");
    this.go(this.at + 1);
  }

  #onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]") || event.target.matches("input[type='range']") || !this.group) return;
    const onButton = event.target.closest("button, a, summary");
    const moves = {
      ArrowUp: () => this.go(this.at - 1), ArrowDown: () => this.go(this.at + 1),
      ArrowLeft: () => this.choose(this.chosen - 1), ArrowRight: () => this.choose(this.chosen + 1),
      k: () => this.decide("keep"), d: () => this.decide("drop"), n: () => this.decide("apart"),
      o: () => this.review.lay(!this.review.comparison.overlaid), Enter: onButton ? undefined : () => this.accept(),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  }
}
