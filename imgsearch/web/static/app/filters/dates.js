/** Capture time: a histogram of the months, on which a span is drawn, and two dates. */

import { draw, make } from "../core/dom.js";
import { counted, day, month } from "../core/words.js";

const WIDTH = 304;
const HEIGHT = 88;
const FEWEST = 12;

export const dates = {
  label: "Date",
  keys: ["after", "before", "undated"],
  needs: "facets",
  says({ after, before, undated }) {
    if (!after && !before) return null;
    const open = undated === "include" ? ", or without a date" : "";
    const last = before && lastDay(before);
    if (after && before && wholeMonths(after, before)) {
      const names = [...new Set([month(after), month(last)])];
      return names.join(" – ") + open;
    }
    if (after && before) return `${day(firstDay(after))} – ${day(last)}${open}`;
    return (after ? `Since ${day(firstDay(after))}` : `Until ${day(last)}`) + open;
  },
  build({ filters, facets, apply }) {
    const from = make("input.field", { type: "date", value: filters.after ? firstDay(filters.after) : "" });
    const until = make("input.field", { type: "date", value: filters.before ? lastDay(filters.before) : "" });
    const undated = make("input", { type: "checkbox", checked: filters.undated === "include" });
    const changed = () => apply({
      ...(from.value && { after: from.value }),
      ...(until.value && { before: dayAfter(until.value) }),
      ...(undated.checked && (from.value || until.value) && { undated: "include" }),
    });
    for (const field of [from, until, undated]) field.addEventListener("change", changed);
    const chart = histogram(facets.months, {
      chosen: () => [from.value, until.value],
      choose([first, last]) {
        from.value = `${first}-01`;
        until.value = lastDay(monthAfter(last));
        changed();
      },
    });
    return [
      ...chart,
      make(
        "div.pair", {},
        make("label", {}, make("span", { text: "From" }), from),
        make("label", {}, make("span", { text: "Until" }), until),
      ),
      make("label.check", {}, undated, make("span", { text: "Also pictures without a date" })),
    ];
  },
};

function histogram(counts, { chosen, choose }) {
  const dated = counts.filter(({ month: name }) => name);
  if (!dated.length) return [make("p.soft", { text: "None of these pictures has a date." })];
  const months = span(dated);
  const most = Math.max(...dated.map(({ count }) => count));
  const step = WIDTH / months.length;
  const said = make("p.soft.histogram-said");
  const bars = months.map(({ count }, at) => {
    const height = count ? Math.max(3, (count / most) * HEIGHT) : 0;
    return draw("rect", {
      x: at * step, y: HEIGHT - height, width: Math.max(0.75, step - (step > 4 ? 1.5 : 0.25)), height, rx: step > 6 ? 1.5 : 0,
    });
  });
  const chart = draw("svg", { class: "histogram", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" }, ...bars);
  const at = (event) => {
    const { left, width } = chart.getBoundingClientRect();
    return Math.min(months.length - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * months.length)));
  };
  let drag = null;

  function paint(first, last) {
    for (const [place, bar] of bars.entries()) bar.classList.toggle("in", place >= first && place <= last);
    const count = months.slice(first, last + 1).reduce((sum, one) => sum + one.count, 0);
    const names = [months[first].month, months[last].month].map(month);
    said.textContent = `${names[0] === names[1] ? names[0] : names.join(" – ")}: ${counted(count, "picture")}`;
  }

  function rest() {
    const [from, until] = chosen();
    const first = from ? months.findIndex(({ month: name }) => name >= from.slice(0, 7)) : 0;
    const last = until ? months.findLastIndex(({ month: name }) => name <= until.slice(0, 7)) : months.length - 1;
    if (first >= 0 && last >= first) paint(first, last);
    else said.textContent = "No pictures in these months";
  }

  chart.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    chart.setPointerCapture(event.pointerId);
    drag = at(event);
    paint(drag, drag);
  });
  chart.addEventListener("pointermove", (event) => {
    const here = at(event);
    if (drag === null) paint(here, here);
    else paint(Math.min(drag, here), Math.max(drag, here));
  });
  chart.addEventListener("pointerleave", () => {
    if (drag === null) rest();
  });
  chart.addEventListener("pointerup", (event) => {
    if (drag === null) return;
    const here = at(event);
    choose([months[Math.min(drag, here)].month, months[Math.max(drag, here)].month]);
    drag = null;
  });
  rest();
  const ends = make("p.histogram-ends", {}, make("span", { text: month(months[0].month) }), make("span", { text: month(months.at(-1).month) }));
  return [chart, ends, said];
}

/** Every month from the first to the last, those without pictures too, twelve at least. */
function span(dated) {
  const counts = new Map(dated.map(({ month: name, count }) => [name, count]));
  const months = [];
  const last = dated.at(-1).month;
  for (let name = dated[0].month; name <= last || months.length < FEWEST; name = monthAfter(name)) {
    months.push({ month: name, count: counts.get(name) ?? 0 });
  }
  return months;
}

function monthAfter(name) {
  const [year, number] = name.split("-").map(Number);
  return number === 12 ? `${String(year + 1).padStart(4, "0")}-01` : `${String(year).padStart(4, "0")}-${String(number + 1).padStart(2, "0")}`;
}

/** The first day of a year, a month or a day. */
const firstDay = (text) => `${text}-01-01`.slice(0, 10);

function shifted(date, days) {
  const moved = new Date(`${firstDay(date)}T00:00:00Z`);
  moved.setUTCDate(moved.getUTCDate() + days);
  return moved.toISOString().slice(0, 10);
}

const dayAfter = (date) => shifted(date, 1);
const lastDay = (before) => shifted(before, -1);
const wholeMonths = (...ends) => ends.every((date) => firstDay(date).endsWith("-01"));
