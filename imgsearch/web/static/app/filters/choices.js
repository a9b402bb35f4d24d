/** Filters that are a choice among the values that there are: camera, lens, format. */

import { freshId, make } from "../core/dom.js";
import { number } from "../core/words.js";

const LONG = 10;

/** One of several values. */
function oneOf(label, key, values) {
  return {
    label,
    keys: [key],
    needs: "facets",
    says: (filters) => filters[key] ?? null,
    build: ({ filters, facets, apply }) => list({
      label,
      type: "radio",
      values: facets[values],
      chosen: filters[key] ? [filters[key]] : [],
      changed: ([value]) => apply(value ? { [key]: value } : {}),
    }),
  };
}

export const cameras = oneOf("Camera", "camera", "cameras");
export const lenses = oneOf("Lens", "lens", "lenses");

export const formats = {
  label: "Format",
  keys: ["format"],
  needs: "facets",
  says: (filters) => filters.format?.join(", ") ?? null,
  build: ({ filters, facets, apply }) => list({
    label: "Format",
    type: "checkbox",
    values: facets.formats,
    chosen: filters.format ?? [],
    changed: (chosen) => apply(chosen.length ? { format: chosen } : {}),
  }),
};

function list({ label, type, values, chosen, changed }) {
  const known = values.filter(({ value }) => value !== null);
  const shown = [...known, ...chosen.filter((one) => known.every(({ value }) => value !== one)).map((value) => ({ value, count: null }))];
  if (!shown.length) return [make("p.soft", { text: "None of these pictures says which." })];
  const name = freshId("choice");
  const set = make("fieldset", {}, make("legend.unseen", { text: label }));
  const choices = type === "radio" ? [{ value: "", count: null }, ...shown] : shown;
  for (const { value, count } of choices) {
    const checked = type === "radio" && !value ? !chosen.length : chosen.includes(value);
    set.append(make(
      "label.check", {},
      make("input", { type, name, value, checked }),
      make("span", { text: value || "Any" }),
      count === null ? null : make("span.soft", { text: number(count) }),
    ));
  }
  set.addEventListener("change", () => {
    changed([...set.querySelectorAll("input:checked")].map((input) => input.value).filter(Boolean));
  });
  return shown.length > LONG ? [search(set), set] : [set];
}

/** A field that leaves of a long list what holds the letters typed. */
function search(set) {
  const field = make("input.field", { type: "search", placeholder: "Find in the list", "aria-label": "Find in the list" });
  field.addEventListener("input", () => {
    const wanted = field.value.toLocaleLowerCase();
    for (const line of set.querySelectorAll("label")) line.hidden = !line.textContent.toLocaleLowerCase().includes(wanted);
  });
  return field;
}
