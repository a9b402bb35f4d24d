/** The matches of a question, fetched a screen at a time, as a source of a grid. */

import { isStale, sendJson } from "../core/api.js";
import { asJson } from "./question.js";
import { forgetUploads, uploadOf } from "./uploads.js";

const FIRST = 60;
const NEXT = 120;

export class Answer extends EventTarget {
  #entries = [];
  #seen = new Set();
  #asking = false;
  #offset = 0;

  /**
   * @param {import("./question.js").Question} question
   * @param {{signal: AbortSignal, most?: number, kinds?: boolean}} how `most` matches at most; `kinds`
   *   asks how each is the same, where the question is about one whole picture
   */
  constructor(question, { signal, most = Infinity, kinds = false }) {
    super();
    this.question = question;
    this.signal = signal;
    this.most = most;
    this.kinds = kinds && question.isWhole;
    this.ended = false;
    this.error = null;
    this.remarks = [];
  }

  get count() {
    return this.#entries.length;
  }

  get contents() {
    return this.#entries.map(({ content }) => content);
  }

  /** The part of each picture that matches, as `[x, y, width, height]` in its pixels; null where none was asked for. */
  get boxes() {
    return this.#entries.map(({ box }) => box);
  }

  ratio(index) {
    const { width, height } = this.#entries[index];
    return width / height;
  }

  entry(index) {
    return this.#entries[index] ?? null;
  }

  want() {}

  /** Fetch what comes after; tells "more", or "failed". */
  async more() {
    if (this.#asking || this.ended || this.error) return;
    this.#asking = true;
    try {
      const answer = await this.#ask();
      this.remarks = answer.remarks ?? [];
      // The gallery may have changed between two screens: nothing is shown twice.
      const fresh = answer.matches.filter(({ content }) => !this.#seen.has(content));
      for (const { content } of fresh) this.#seen.add(content);
      this.#entries.push(...fresh);
      this.#offset = answer.offset + answer.matches.length;
      this.ended = !answer.more || this.#offset >= this.most;
      this.dispatchEvent(new Event("more"));
    } catch (error) {
      if (isStale(error) || this.signal.aborted) return;
      this.error = error;
      this.dispatchEvent(new Event("failed"));
    } finally {
      this.#asking = false;
    }
  }

  async #ask(again = true) {
    const { question, signal } = this;
    const pictures = await Promise.all(question.pictures.map((one) => asked(one, signal)));
    if (question.words) pictures.unshift({ words: question.words });
    const offset = this.#offset;
    const k = Math.min(offset ? NEXT : FIRST, this.most - offset);
    const body = { pictures, filters: asJson(question.filters), k, offset, recipe: question.recipe };
    if (this.kinds) body.kinds = true;
    if (question.searchesParts) body.anywhere = true;
    try {
      return await sendJson("POST", "/queries", body, { signal });
    } catch (error) {
      if (error.code !== "upload-gone" || !again) throw error;
      forgetUploads();
      return this.#ask(false);
    }
  }
}

/** Return one picture of a question as the interface takes it. */
async function asked({ content, file, minus, crop }, signal) {
  const picture = file ? { upload: await uploadOf(content, { signal }) } : { content };
  if (minus) picture.minus = true;
  if (crop) picture.crop = crop;
  return picture;
}
