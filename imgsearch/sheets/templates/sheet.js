"use strict";
// The page is whole without this; with it, j and k lead from one section to the next and back.
const stops = [...document.querySelectorAll("[data-stop]")];
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || (event.key !== "j" && event.key !== "k")) return;
  const here = stops.indexOf(document.activeElement?.closest("[data-stop]"));
  const next = stops[here + (event.key === "j" ? 1 : -1)];
  if (next) {
    next.focus({ preventScroll: true });
    next.scrollIntoView();
  }
});
