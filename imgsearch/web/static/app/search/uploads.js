/**
 * Dropped pictures. The server forgets them; this browser keeps the latest, so that reload, back and
 * bookmarks can ask about them again.
 */

import { address, ApiError, sendBytes } from "../core/api.js";

const NAME = "imgsearch";
const STORE = "pictures";
const KEPT = 32;
const known = new Map();

/** Send a file; returns what the server says of it, and keeps the file under its content. */
export async function upload(blob, { signal } = {}) {
  const answer = await sendBytes("/uploads", blob, { signal });
  known.set(answer.content, answer.upload);
  await keep(answer.content, blob);
  return answer;
}

/** Return the upload's id of a content, sending it again where the server no longer has it. */
export async function uploadOf(content, { signal } = {}) {
  if (known.has(content)) return known.get(content);
  const blob = await kept(content);
  if (!blob) {
    throw new ApiError(410, "upload-gone", "This picture was dropped in another browser, or long ago. Drop it again.");
  }
  return (await upload(blob, { signal })).upload;
}

/** Forget which uploads the server has: it was started anew, or let them expire. */
export function forgetUploads() {
  known.clear();
}

/** Return the address of the picture as the server shows it, which it does for every format. */
export async function uploadView(content, { signal } = {}) {
  return address(`/uploads/${await uploadOf(content, { signal })}/view`);
}

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(STORE, { keyPath: "content" }).createIndex("used", "used");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function keep(content, blob) {
  try {
    const store = (await open()).transaction(STORE, "readwrite").objectStore(STORE);
    await done(store.put({ content, blob, used: Date.now() }));
    const all = await done(store.index("used").getAllKeys());
    for (const old of all.slice(0, Math.max(0, all.length - KEPT))) store.delete(old);
  } catch {
    // A private window may have no storage: the question then lasts as long as the server remembers.
  }
}

async function kept(content) {
  try {
    const store = (await open()).transaction(STORE).objectStore(STORE);
    return (await done(store.get(content)))?.blob ?? null;
  } catch {
    return null;
  }
}
