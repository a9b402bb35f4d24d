/** The bar with what has been decided so far, and the plan that is saved from it. */

import { sendJson } from "../core/api.js";
import { button, make } from "../core/dom.js";
import { openDialog } from "../core/dialog.js";
import { toast } from "../core/voice.js";
import { sentence } from "../core/api.js";
import { bytes, counted } from "../core/words.js";
import { command } from "../grid/empty.js";
import { decisions } from "./decisions.js";

export function planBar(signal) {
  const said = make("strong");
  const save = button("button.button.main", { text: "Save the plan", click: savePlan });
  const anew = button("button.button.quiet", { text: "Start over", click: startOver });
  const node = make("div.plan-bar", { role: "region", "aria-label": "The plan" }, said, anew, save);
  const show = () => {
    const { count, bytes: size } = decisions.dropped;
    said.textContent = count ? `${counted(count, "file")} to drop, ${bytes(size)}` : "Nothing to drop so far";
    save.disabled = !count;
    anew.hidden = !count;
  };
  decisions.addEventListener("change", show, { signal });
  show();
  return node;
}

async function savePlan() {
  try {
    const { path, command: typed } = await sendJson("POST", "/duplicates/plan", { groups: decisions.plan });
    openDialog("The plan is saved", [
      make("p", { text: "Nothing has been changed. Type this in a terminal to see what the plan would do:" }), command(typed),
      make("p.plan-next", {}, "With ", make("code", { text: "--yes" }), " it is carried out. The plan is kept in ", make("code", { text: path }), "."),
    ]);
  } catch (error) {
    toast(sentence(error));
  }
}

function startOver() {
  openDialog("Forget what has been decided?", [make("p", { text: "All files are undecided again. What is “not the same” stays so." })], {
    action: "Forget", act: () => decisions.clear(),
  });
}
