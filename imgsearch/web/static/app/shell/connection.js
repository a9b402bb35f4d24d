/** The line beneath the bar while the server cannot be asked. */

import { connection } from "../core/api.js";
import { toast } from "../core/voice.js";

const line = document.getElementById("gone");

export function startConnection() {
  connection.addEventListener("gone", () => {
    say("The server has stopped. Start it again with “imgsearch serve”.");
  });
  connection.addEventListener("back", () => {
    line.hidden = true;
    toast("The server is there again.");
  });
  connection.addEventListener("refused", () => {
    say("The server was started anew. Open the address that “imgsearch serve” has printed; this page then goes on by itself.");
  });
}

function say(text) {
  if (line.textContent !== text) line.textContent = text;
  line.hidden = false;
}
