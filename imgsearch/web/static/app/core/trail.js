/** The pictures among which a picture was opened, so that "next" leads on among them. */

const KEY = "imgsearch-trail";

/**
 * Remember the contents of an answer or a set, and the address of the page that shows them.
 *
 * @param {{contents: string[], boxes?: Array<number[]?>}} found `boxes`: the part of each that matches
 * @param {string} from the address
 */
export function leaveTrail({ contents, boxes = [] }, from) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ contents, boxes: boxes.some(Boolean) ? boxes : [], from }));
  } catch {
    sessionStorage.removeItem(KEY);
  }
}

export function forgetTrail() {
  sessionStorage.removeItem(KEY);
}

/** Return `{previous, next, from, position, total, box}` of a content, null where no trail holds it. */
export function onTrail(content) {
  const { contents = [], boxes = [], from } = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  const position = contents.indexOf(content);
  if (position < 0) return null;
  return {
    previous: contents[position - 1] ?? null, next: contents[position + 1] ?? null, from, position, total: contents.length,
    box: boxes[position] ?? null,
  };
}
