/** Where the page begins: its addresses, its bar, and what holds on every page. */

import { openBackbones } from "./backbones/view.js";
import { openBrowse } from "./browse/view.js";
import { info } from "./core/gallery.js";
import { startMarked } from "./selections/marked.js";
import { startRouter } from "./core/router.js";
import { openDuplicates } from "./duplicates/view.js";
import { openMap } from "./map/view.js";
import { openPicture } from "./picture/view.js";
import { openSearch } from "./search/view.js";
import { openSelections } from "./selections/view.js";
import { startConnection } from "./shell/connection.js";
import { startKeys } from "./shell/keys.js";
import { showPages, showWhere } from "./shell/pages.js";
import { openUnknown } from "./shell/unknown.js";

/** Wrap a view: the bar says where one is. */
function page(path, open) {
  return (context) => {
    showWhere(path);
    return open(context);
  };
}

startConnection();
startKeys();
startMarked();
showPages(info());
startRouter([
  { pattern: /^\/$/, open: page("/", openSearch) },
  { pattern: /^\/browse$/, open: page("/browse", openBrowse) },
  { pattern: /^\/content\/([0-9a-f]{64})$/, open: page(null, openPicture) },
  { pattern: /^\/map$/, open: page("/map", openMap) },
  { pattern: /^\/duplicates$/, open: page("/duplicates", openDuplicates) },
  { pattern: /^\/selections$/, open: page("/selections", openSelections) },
  { pattern: /^\/backbones$/, open: page("/backbones", openBackbones) },
  { pattern: /./, open: page(null, openUnknown) },
]);
