/** Figures, dates and names as people read them. */

const LANGUAGE = "en-GB";
const NUMBER = new Intl.NumberFormat(LANGUAGE);
const MONTH = new Intl.DateTimeFormat(LANGUAGE, { month: "long", year: "numeric", timeZone: "UTC" });
const DAY = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

export const number = (value) => NUMBER.format(value);

/** "1 picture", "2,310 pictures". */
export function counted(count, one, several = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : several}`;
}

/** "4.2 MB"; decimal, as file managers count. */
export function bytes(count) {
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/** "May 2024" for "2024-05"; null for pictures without a date. */
export function month(text) {
  return text ? MONTH.format(new Date(`${`${text}-01`.slice(0, 7)}-01T00:00:00Z`)) : "Without a date";
}

/** "1 May 2024" for "2024-05-01T12:00:00". */
export const day = (text) => DAY.format(new Date(`${text.slice(0, 10)}T00:00:00Z`));

/** "1 May 2024, 12:00" by the camera's clock. */
export const moment = (text) => `${day(text)}, ${text.slice(11, 16)}`;

/** The name of a file, of its path. */
export const fileName = (path) => path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1) || path;

/** The folder of a file, of its path. */
export const folderOf = (path) => path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"), 0)) || "/";

/** "0.942": a score as the command line prints it. */
export const score = (value) => value.toFixed(3);

/** "48.21° N, 16.37° E". */
export function place(latitude, longitude) {
  const north = `${Math.abs(latitude).toFixed(4)}° ${latitude < 0 ? "S" : "N"}`;
  return `${north}, ${Math.abs(longitude).toFixed(4)}° ${longitude < 0 ? "W" : "E"}`;
}
