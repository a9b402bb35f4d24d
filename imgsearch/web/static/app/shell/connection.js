/** The line beneath the bar while the server cannot be asked. */

import { connection } from "../core/api.js";
import { toast } from "../core/voice.js";

const line = document.getElementById("gone");

export function startConnection() {
  connection.addEventListener("gone", () => {
    say("The server has stopped. Start it again with “imgsearch serve”; this page then goes on by itself.");
  });
  connection.addEventListener("back", () => {
    line.hidden = true;
    toast("The server is there again.");
  });
  connection.addEventListener("refused", () => {
    say("The server does not know this browser any more. Open the address that “imgsearch serve” has printed.");
  });
}

function say(text) {
  line.textContent = text;
  line.hidden = false;
}
