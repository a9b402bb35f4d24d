/** The least size in pixels, as displayed. */

import { make } from "../core/dom.js";

const CHOICES = [["Any size", 0, 0], ["At least 640 × 480", 640, 480], ["At least 1280 × 720", 1280, 720], ["At least 1920 × 1080", 1920, 1080], ["At least 3840 × 2160", 3840, 2160]];

export const size = {
  label: "Size",
  keys: ["min_width", "min_height"],
  says({ min_width: width, min_height: height }) {
    if (!width && !height) return null;
    if (width && height) return `≥ ${width} × ${height}`;
    return width ? `≥ ${width} px wide` : `≥ ${height} px high`;
  },
  build({ filters, apply }) {
    const fields = ["width", "height"].map((side) => make("input.field", {
      type: "number", min: 1, max: 1_000_000, inputmode: "numeric", value: filters[`min_${side}`] ?? "", placeholder: "any",
    }));
    const changed = () => {
      const [width, height] = fields.map((field) => (field.value >= 1 ? String(Math.floor(field.value)) : null));
      apply({ ...(width && { min_width: width }), ...(height && { min_height: height }) });
    };
    for (const field of fields) field.addEventListener("change", changed);
    const quick = CHOICES.map(([text, width, height]) => {
      const checked = Number(filters.min_width ?? 0) === width && Number(filters.min_height ?? 0) === height;
      const input = make("input", { type: "radio", name: "size", checked });
      input.addEventListener("change", () => {
        fields[0].value = width || "";
        fields[1].value = height || "";
        changed();
      });
      return make("label.check", {}, input, make("span", { text }));
    });
    return [
      make("fieldset", {}, make("legend.unseen", { text: "Least size" }), ...quick),
      make(
        "div.pair", {},
        make("label", {}, make("span", { text: "Least width, px" }), fields[0]),
        make("label", {}, make("span", { text: "Least height, px" }), fields[1]),
      ),
    ];
  },
};
