/** Taking pictures away: as paths, as a table, as a zip of the originals, as a folder of links. */

import { sendJson, sentence } from "../core/api.js";
import { button, make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { info } from "../core/gallery.js";
import { closePopover, openPopover } from "../core/popover.js";
import { openDialog } from "../core/dialog.js";
import { toast } from "../core/voice.js";
import { counted } from "../core/words.js";

const FORMS = [
  ["paths", "Paths", "A text file, one path per line"],
  ["csv", "CSV", "A table for a spreadsheet"],
  ["json", "JSON", "All that is known of them, for programs"],
  ["zip", "Originals", "A zip of the files themselves"],
  ["links", "Folder of links", "Symbolic links; nothing is copied"],
];

/** A button that opens the ways of taking pictures away; `chosen()` gives contents and a name. */
export function exportButton(name, chosen) {
  return button(name, {
    icon: icon("download"), text: "Take away", "aria-haspopup": "dialog", "aria-expanded": "false",
    click: async ({ currentTarget }) => {
      const { can } = await info();
      openPopover(currentTarget, "Take away", FORMS.filter(([form]) => form !== "links" || can.links).map(([form, text, says]) => button("button", {
        icon: make("span", { text }, make("small", { text: says })),
        click: () => {
          closePopover();
          takeAway(form, chosen());
        },
      })), { menu: true });
    },
  });
}

async function takeAway(form, { contents, name }) {
  if (form === "links") {
    askForFolder(contents, name);
    return;
  }
  try {
    const { href, missing } = await sendJson("POST", "/exports", { contents, form, name });
    const link = make("a", { href, download: "" });
    document.body.append(link);
    link.click();
    link.remove();
    toast(`${counted(contents.length - (form === "zip" ? missing : 0), "picture")} taken away.`);
    if (missing) toast(`${counted(missing, "picture")} could not be found on the disk.`);
  } catch (error) {
    toast(sentence(error));
  }
}

function askForFolder(contents, name) {
  const field = make("input.field", {
    name: "folder", required: true, maxlength: 100, autocomplete: "off", autofocus: true, "aria-label": "Name of the folder", value: name.replaceAll(/[/\\]/g, "-"),
  });
  openDialog("A folder of links", [
    make("p.hint.soft", { text: "A new folder, with a symbolic link to each picture. Nothing is copied." }), field,
  ], {
    action: "Make the folder",
    async act(given) {
      const { folder, missing } = await sendJson("POST", "/exports", { contents, form: "links", name: given.get("folder").trim() });
      openDialog("The folder of links is made", [
        make("p", { text: `${counted(contents.length - missing, "link")}, in` }), make("p", {}, make("code", { text: folder })),
      ]);
    },
  });
}
