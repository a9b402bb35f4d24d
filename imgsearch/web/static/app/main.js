/** Where the page begins: its addresses, its bar, and what holds on every page. */

import { info } from "./core/gallery.js";
import { startRouter } from "./core/router.js";
import { failure } from "./grid/empty.js";
import { startMarked } from "./selections/marked.js";
import { startConnection } from "./shell/connection.js";
import { startKeys } from "./shell/keys.js";
import { showPages, showWhere } from "./shell/pages.js";
import { openUnknown } from "./shell/unknown.js";

const views = {
  "/": () => import("./search/view.js"),
  "/browse": () => import("./browse/view.js"),
  "/content": () => import("./picture/view.js"),
  "/map": () => import("./map/view.js"),
  "/duplicates": () => import("./duplicates/view.js"),
  "/selections": () => import("./selections/view.js"),
  "/backbones": () => import("./backbones/view.js"),
};

/** Fetch a view when its page is asked for; the bar says where one is. */
function page(path, open) {
  return async (context) => {
    showWhere(path);
    let view;
    try {
      view = await views[path]();
    } catch {
      // A browser remembers a module that failed: only a new page asks for it again.
      const again = failure("This page could not be fetched from imgsearch serve.", () => location.reload());
      document.getElementById("main").replaceChildren(again);
      return undefined;
    }
    if (context.signal.aborted) return undefined;
    fetchOthers();
    return view[open](context);
  };
}

/** Have the other views ready before they are asked for, whatever becomes of the server. */
function fetchOthers() {
  requestIdleCallback(() => Object.values(views).forEach((fetchView) => fetchView().catch(() => {})));
}

startConnection();
startKeys();
startMarked();
showPages(info());
startRouter([
  { pattern: /^\/$/, open: page("/", "openSearch") },
  { pattern: /^\/browse$/, open: page("/browse", "openBrowse") },
  { pattern: /^\/content\/([0-9a-f]{64})$/, open: page("/content", "openPicture") },
  { pattern: /^\/map$/, open: page("/map", "openMap") },
  { pattern: /^\/duplicates$/, open: page("/duplicates", "openDuplicates") },
  { pattern: /^\/selections$/, open: page("/selections", "openSelections") },
  { pattern: /^\/backbones$/, open: page("/backbones", "openBackbones") },
  { pattern: /./, open: () => { showWhere(null); openUnknown(); } },
]);
