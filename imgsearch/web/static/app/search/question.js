/** A question: words, pictures, plus and minus, parts of them, filters, a recipe, anywhere or not. It lives in the address. */

const MANY = ["under", "format"];
const ONE = ["after", "before", "undated", "camera", "lens", "near", "min_width", "min_height"];
const FILE = "file:";

/**
 * Pictures are `{content, file, minus, crop}`: `file` when it was dropped rather than taken from the
 * gallery, `crop` `[left, top, width, height]` in percent or null.
 */
export class Question {
  constructor({ pictures = [], words = "", filters = {}, recipe = null, anywhere = false } = {}) {
    this.pictures = pictures;
    this.words = words;
    this.filters = filters;
    this.recipe = recipe;
    this.anywhere = anywhere;
  }

  static of(parameters) {
    const pictures = [];
    for (const [name, value] of parameters) {
      if (name === "like" || name === "not") pictures.push(picture(value, name === "not"));
    }
    return new Question({
      pictures, words: parameters.get("words") ?? "", filters: filtersOf(parameters), recipe: parameters.get("recipe"),
      anywhere: parameters.get("anywhere") === "1",
    });
  }

  with(changes) {
    return new Question({ ...this, ...changes });
  }

  get asks() {
    return Boolean(this.words) || this.pictures.some(({ minus }) => !minus);
  }

  /** Whether parts of pictures are searched, too; words stand for whole ones, whatever the switch says. */
  get searchesParts() {
    return this.anywhere && !this.words;
  }

  /** Whether it is about one whole picture among whole ones, with which a match can be the same. */
  get isWhole() {
    return !this.words && !this.anywhere && this.pictures.length === 1 && !this.pictures[0].crop;
  }

  /** Add a picture; one that is there already takes on the new sign. */
  adding(added) {
    const others = this.pictures.filter(({ content }) => content !== added.content);
    return this.with({ pictures: [...others, { file: false, minus: false, crop: null, ...added }] });
  }

  without(content) {
    return this.with({ pictures: this.pictures.filter((one) => one.content !== content) });
  }

  changing(content, changes) {
    return this.with({
      pictures: this.pictures.map((one) => (one.content === content ? { ...one, ...changes } : one)),
    });
  }

  /** The address of the page that asks this. */
  address(path = "/") {
    const parameters = new URLSearchParams();
    if (this.words) parameters.append("words", this.words);
    for (const { content, file, minus, crop } of this.pictures) {
      const part = crop ? `@${crop.map((value) => Number(value.toFixed(2))).join(",")}` : "";
      parameters.append(minus ? "not" : "like", (file ? FILE : "") + content + part);
    }
    if (this.anywhere) parameters.append("anywhere", "1");
    writeFilters(this.filters, parameters);
    if (this.recipe) parameters.append("recipe", this.recipe);
    // Colons, commas and slashes may stand in a query as they are, and read better so.
    const text = parameters.toString().replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%40", "@").replaceAll("%2F", "/");
    return text ? `${path}?${text}` : path;
  }
}

function picture(text, minus) {
  const file = text.startsWith(FILE);
  const [content, part] = (file ? text.slice(FILE.length) : text).split("@");
  const crop = part?.split(",").map(Number) ?? null;
  return { content, file, minus, crop: crop?.length === 4 && crop.every(Number.isFinite) ? crop : null };
}

/** Return the filters of an address, as parameters of the interface take them. */
export function filtersOf(parameters) {
  const filters = {};
  for (const name of MANY) if (parameters.has(name)) filters[name] = parameters.getAll(name);
  for (const name of ONE) if (parameters.get(name)) filters[name] = parameters.get(name);
  return filters;
}

/** Append filters to an address's parameters. */
export function writeFilters(filters, parameters) {
  for (const name of MANY) for (const value of filters[name] ?? []) parameters.append(name, value);
  for (const name of ONE) if (filters[name]) parameters.append(name, filters[name]);
  return parameters;
}

/** Return filters as the interface takes them in JSON, where figures are numbers. */
export function asJson(filters) {
  const json = { ...filters };
  if (json.near) json.near = json.near.split(",").map(Number);
  for (const side of ["min_width", "min_height"]) if (json[side]) json[side] = Number(json[side]);
  return json;
}
