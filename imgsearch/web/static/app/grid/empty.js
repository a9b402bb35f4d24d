/** What stands where pictures would be. */

import { button, make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { toast } from "../core/voice.js";

/** A gallery without pictures: how to fill it. */
export function emptyGallery({ name, gallery, unreadable }) {
  return make(
    "section.empty", {}, icon("picture"), make("h2", { text: "There are no pictures here yet" }),
    make("p", {
      text: unreadable
        ? `The gallery ${name} has found files, but none of them could be read. Browse shows why.`
        : `Let imgsearch look into a folder of yours; ${name} shows up here as it grows.`,
    }),
    command(`imgsearch index ~/Pictures --gallery ${quoted(gallery)}`),
  );
}

/** An answer without matches. */
export function nothingFound(clear) {
  return make(
    "section.empty", {}, icon("search"), make("h2", { text: "Nothing is let through" }),
    make("p", { text: clear ? "No picture passes all of these filters." : "The gallery holds no other picture." }),
    clear && button("button.button", { text: "Clear the filters", click: clear }),
  );
}

/** Something that failed, in a sentence, and a way to try again. */
export function failure(text, again) {
  return make(
    "section.empty", { role: "alert" }, icon("warning"), make("h2", { text: "That did not work" }), make("p", { text }),
    again && button("button.button", { text: "Try again", click: again }),
  );
}

/** A command to type, with a button that copies it. */
export function command(text) {
  return make(
    "div.command", {}, make("code", { text }),
    button("button.button.quiet.round", { icon: icon("copy"), "aria-label": "Copy the command", title: "Copy", click: () => copy(text, "The command is copied.") }),
  );
}

/** Put a text on the clipboard, and say so. */
export async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    toast(said);
  } catch {
    toast("The browser does not let this page copy; select the text instead.");
  }
}

/** A word of a POSIX command line. */
export function quoted(text) {
  return /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
