/** The one place that talks to the server, and that knows whether it is there. */

const BASE = "/api/v1";
const RETRY = 1500;

/** What the server answered instead of what was asked. `code` is for programs, the message for people. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Tells "gone" and "back" of the server, and "refused" while it does not know this browser. */
export const connection = new EventTarget();
let listening = false;

export function getJson(path, parameters, { signal } = {}) {
  return ask("GET", address(path, parameters), { signal });
}

export function sendJson(method, path, content, { signal } = {}) {
  return ask(method, address(path), {
    signal,
    body: content === undefined ? undefined : JSON.stringify(content),
    type: "application/json",
  });
}

export function sendBytes(path, blob, { signal } = {}) {
  return ask("POST", address(path), { signal, body: blob, type: blob.type || "application/octet-stream" });
}

/** Return the bytes of something, as an ArrayBuffer. */
export function getBytes(path, parameters, { signal } = {}) {
  return ask("GET", address(path, parameters), { signal, read: (answer) => answer.arrayBuffer() });
}

/** Return the address of something under the interface; lists repeat their parameter. */
export function address(path, parameters = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") search.append(name, one);
    }
  }
  const text = search.toString();
  return text ? `${BASE}${path}?${text}` : BASE + path;
}

async function ask(method, url, { signal, body, type, read = json }) {
  const headers = body === undefined ? {} : { "Content-Type": type };
  let answer;
  try {
    answer = await fetch(url, { method, headers, body, signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name !== "AbortError") lose("gone");
    throw error;
  }
  if (answer.status === 401) lose("refused");
  if (!answer.ok) throw await refusal(answer);
  return read(answer);
}

/** Return what an answer says, or null where it says nothing. */
function json(answer) {
  return answer.headers.get("Content-Type")?.startsWith("application/json") ? answer.json() : null;
}

async function refusal(answer) {
  try {
    const { error } = await answer.json();
    return new ApiError(answer.status, error.code, error.message);
  } catch {
    return new ApiError(answer.status, "unknown", `The server answered ${answer.status}.`);
  }
}

/** Say what is wrong, and ask again and again until the server answers as it should. */
function lose(how) {
  connection.dispatchEvent(new Event(how));
  if (!listening) setTimeout(listen, RETRY);
  listening = true;
}

async function listen() {
  try {
    const answer = await fetch(`${BASE}/info`, { credentials: "same-origin", cache: "no-store" });
    if (answer.ok) {
      listening = false;
      connection.dispatchEvent(new Event("back"));
      return;
    }
    if (answer.status === 401) connection.dispatchEvent(new Event("refused"));
  } catch {
    connection.dispatchEvent(new Event("gone"));
  }
  setTimeout(listen, RETRY);
}

/** Whether an error only says that nobody waits for the answer any more. */
export function isStale(error) {
  return error.name === "AbortError";
}

/** The sentence that a person is shown for an error. */
export function sentence(error) {
  if (error instanceof ApiError) return error.message;
  if (error instanceof TypeError) return "The server cannot be reached.";
  return "Something went wrong in this page; reload it.";
}
