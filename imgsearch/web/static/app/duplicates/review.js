/** One group under review: two files compared, all of them in a strip, and what is decided on each. */

import { button, make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { bytes, fileName, folderOf, moment, number } from "../core/words.js";
import { thumbnail } from "../grid/tile.js";
import { Comparison } from "./comparison.js";
import { decisions } from "./decisions.js";
import { filesOf } from "./groups.js";
import { certain, kindMeaning, kindName } from "./words.js";

/** Whether a file of a group may turn out not to be the same: neither the keeper nor its very bytes. */
export const canBeApart = ({ keeper }, { content }) => content !== keeper.content;

const SAID = { keep: "Keep", drop: "Drop", apart: "Not the same" };

export class Review {
  /** @param {{decide: Function, accept: Function, choose: Function}} act on the file at an index of the group */
  constructor(act, signal) {
    this.act = act;
    this.comparison = new Comparison(signal);
    this.head = make("div.review-head");
    this.strip = make("ul.strip", { "aria-label": "Files of the group" });
    this.companions = make("ul.companions");
    this.views = make("div.segments", { role: "group", "aria-label": "Comparison" }, ...[["Side by side", false], ["Overlaid", true]].map(([text, on]) => button("button", {
      text, title: "Change the comparison (O)", click: () => this.lay(on),
    })));
    this.tools = make("div.review-tools");
    this.node = make("section.review", { "aria-label": "The group" }, this.head, this.comparison.node, this.tools, this.strip, this.companions);
    this.lay(false);
  }

  lay(on) {
    this.comparison.layOver(on);
    [...this.views.children].forEach((choice, at) => choice.setAttribute("aria-pressed", String(Boolean(at) === on)));
  }

  /** Show a group, and the member at `chosen` of its files; 0 is the keeper, which stands at the left anyway. */
  show(group, chosen, position) {
    this.group = group;
    this.chosen = chosen;
    const files = filesOf(group);
    const member = files[Math.max(1, chosen)];
    this.head.replaceChildren(
      make("h2", { text: kindName(member.kind), title: kindMeaning(member.kind) }),
      make("span.soft", { text: [certain(member.certainty), ...(member.changes ?? [])].join(" · ") }), make("span.soft.review-position", { text: position }), this.views,
    );
    this.comparison.show(group.keeper, member, [this.#caption(group.keeper, member), this.#caption(member, group.keeper)]);
    this.#showTools(files[chosen]);
    // Of two files, those compared are all there are.
    this.strip.hidden = files.length < 3;
    this.strip.replaceChildren(...files.map((file, index) => this.#item(file, index)));
    this.comparison.figures.forEach((figure, at) => {
      const index = at ? Math.max(1, chosen) : 0;
      figure.classList.toggle("chosen", index === chosen);
      figure.onclick = () => this.act.choose(index);
    });
    this.companions.replaceChildren(...(group.companions ?? []).map(({ path, of, reason }) => make(
      "li", {}, icon("info"), make("span", { text: `${fileName(path)} goes with ${fileName(of)}: ${reason}` }),
    )));
  }

  /** Say of a file what sets it apart from another. */
  #caption(file, other) {
    const line = (text, differs) => make(differs ? "span.differs" : "span", { text });
    return make(
      "figcaption", {}, make("strong", { text: fileName(file.path), title: file.path }), make("span.soft", { text: folderOf(file.path), title: file.path }),
      make(
        "span.caption-facts", {},
        line(`${number(file.width)} × ${number(file.height)}`, file.width * file.height !== other.width * other.height),
        line(bytes(file.bytes), file.bytes !== other.bytes), line(file.format, file.format !== other.format),
        line(file.taken ? moment(file.taken) : "no date", file.taken !== other.taken),
      ),
      this.#badge(file),
    );
  }

  #badge(file) {
    const decision = decisions.of(this.group, file.path);
    return make(decision ? `span.decision.${decision}` : "span.decision", { text: SAID[decision] ?? "Undecided" });
  }

  #showTools(file) {
    const decision = decisions.of(this.group, file.path);
    const tool = (wanted, text, key, drawn) => button("button.button", {
      icon: icon(drawn), text, title: `${text} (${key.toUpperCase()})`, "aria-pressed": String(decision === wanted), "aria-keyshortcuts": key,
      "data-decision": wanted, click: () => this.act.decide(wanted),
    });
    const held = this.tools.querySelector(":focus")?.dataset.decision;
    this.tools.replaceChildren(
      make("span.tools-name", { text: fileName(file.path), title: file.path }),
      tool("keep", "Keep", "k", "check"), tool("drop", "Drop", "d", "trash"),
      ...(canBeApart(this.group, file) ? [tool("apart", "Not the same", "n", "close")] : []),
      button("button.button.main", {
        text: `Keep the first, drop the ${this.group.members.length > 1 ? "rest" : "other"}`, title: "For this group, then the next (Enter)", "data-decision": "accept", click: () => this.act.accept(),
      }),
    );
    if (held) this.tools.querySelector(`[data-decision="${held}"]`)?.focus();
  }

  #item(file, index) {
    const node = button("button", {
      icon: make("img", { src: thumbnail(file.content, 96), alt: "", style: { "background-color": file.colour ?? "" } }),
      "aria-pressed": String(index === this.chosen), "aria-label": `${fileName(file.path)}${index ? "" : ", the one to keep"}`, title: file.path,
      click: () => this.act.choose(index),
    });
    return make("li", {}, node, this.#badge(file));
  }
}
