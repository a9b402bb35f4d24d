/** Addresses to views and back: links, the history, and where each page was scrolled to. */

const state = { routes: [], current: null, leave: null };

/**
 * Begin.
 *
 * @param {Array<{pattern: RegExp, open: Function}>} routes the first that matches the path opens
 *   with `{parts, parameters, signal, place}`; it may return `{update({parameters, place})}`, called
 *   when only the parameters have changed. A `place` is `{scroll, tile}`: how far this page was
 *   scrolled in px when it was left, and the index of the picture that had the focus, or null.
 */
export function startRouter(routes) {
  state.routes = routes;
  history.scrollRestoration = "manual";
  document.addEventListener("click", follow);
  window.addEventListener("popstate", () => show(history.state));
  show(history.state);
}

/** Go to an address of this page. */
export function go(url, { replace = false } = {}) {
  const target = new URL(url, location.href);
  const same = target.href === location.href;
  remember();
  if (same) {
    show(history.state);
    return;
  }
  if (replace) history.replaceState(null, "", target);
  else history.pushState(null, "", target);
  show(null);
}

/** Write an address without opening anything: the view has already changed itself. */
export function note(url) {
  history.replaceState(history.state, "", url);
}

/** Open the current view anew, as when the gallery has changed. */
export function reopen() {
  remember();
  show(history.state, { anew: true });
}

function remember() {
  const tile = document.activeElement?.closest?.(".tile")?.dataset.index;
  history.replaceState({ scroll: window.scrollY, tile: tile === undefined ? null : Number(tile) }, "");
}

window.addEventListener("pagehide", remember);
let pause;
window.addEventListener("scroll", () => {
  clearTimeout(pause);
  pause = setTimeout(remember, 200);
}, { passive: true });

function follow(event) {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest("a[href]");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (link.pathname.startsWith("/api/") || link.getAttribute("href").startsWith("#")) return;
  event.preventDefault();
  go(link.href);
}

async function show(left, { anew = false } = {}) {
  const path = location.pathname;
  const parameters = new URLSearchParams(location.search);
  const route = state.routes.find(({ pattern }) => pattern.test(path));
  const place = left ?? { scroll: 0, tile: null };
  if (!anew && state.current?.path === path && state.current.view?.update) {
    state.current.view.update({ parameters, place });
    return;
  }
  const first = !state.leave;
  state.leave?.abort();
  state.leave = new AbortController();
  const opened = { path, view: null };
  state.current = opened;
  const parts = (path.match(route.pattern) ?? []).slice(1).map(decodeURIComponent);
  // Whoever reads with the ears, or goes by keys, begins at the top of the new page.
  if (!first && !anew) document.getElementById("main").focus({ preventScroll: true });
  opened.view = await route.open({ parts, parameters, signal: state.leave.signal, place });
}
