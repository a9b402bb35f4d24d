/** What the server says of the gallery, asked once and whenever it may have changed. */

import { connection, getJson } from "./api.js";

let asked = null;
connection.addEventListener("back", () => { asked = null; });

/** Return the gallery's information; `fresh` asks again. */
export function info({ fresh = false } = {}) {
  if (!asked || fresh) {
    asked = getJson("/info");
    asked.catch(() => { asked = null; });
  }
  return asked;
}
