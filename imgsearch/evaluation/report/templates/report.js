"use strict";
// Without this the page shows everything; with it, tables sort and one variant shows at a time.
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (!head.dataset.kind) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const numeric = head.dataset.kind === "number";
      const before = head.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numeric && head !== heads[0];
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.cells[column].dataset.value;
      const compare = (one, other) => {
        if (!numeric) return value(one).localeCompare(value(other), undefined, { numeric: true });
        return parseFloat(value(one)) - parseFloat(value(other));
      };
      const unknown = (row) => (numeric && Number.isNaN(parseFloat(value(row))) ? 1 : 0);
      const rows = [...table.tBodies[0].rows];
      rows.sort((one, other) =>
        unknown(one) - unknown(other) || (unknown(one) ? 0 : compare(one, other) * (down ? -1 : 1)));
      table.tBodies[0].append(...rows);
    });
  });
}
for (const part of document.querySelectorAll("[data-choice]")) {
  const choice = part.querySelector("select");
  if (!choice) continue;
  const show = () => {
    for (const detail of part.querySelectorAll(".detail")) detail.hidden = detail.id !== choice.value;
  };
  choice.closest("p").hidden = false;
  choice.addEventListener("change", show);
  show();
}
