/** Addresses to views and back: links, the history, and where each page was scrolled to. */

const state = { routes: [], current: null, leave: null };

/**
 * Begin.
 *
 * @param {Array<{pattern: RegExp, open: Function}>} routes the first that matches the path opens
 *   with `{parts, parameters, signal, again, restore}`; it may return `{update(parameters)}`, called
 *   when only the parameters have changed.
 */
export function startRouter(routes) {
  state.routes = routes;
  history.scrollRestoration = "manual";
  document.addEventListener("click", follow);
  window.addEventListener("popstate", () => show({ scroll: history.state?.scroll ?? 0 }));
  show({ scroll: history.state?.scroll ?? 0 });
}

/** Go to an address of this page. */
export function go(url, { replace = false } = {}) {
  const target = new URL(url, location.href);
  const same = target.href === location.href;
  remember();
  if (replace || same) history.replaceState({ scroll: same ? window.scrollY : 0 }, "", target);
  else history.pushState({ scroll: 0 }, "", target);
  show({ scroll: same ? window.scrollY : 0 });
}

/** Write an address without opening anything: the view has already changed itself. */
export function note(url, { replace = true } = {}) {
  remember();
  if (replace) history.replaceState(history.state, "", url);
  else history.pushState({ scroll: window.scrollY }, "", url);
}

/** Open the current view anew, as when the gallery has changed. */
export function reopen() {
  show({ scroll: window.scrollY, anew: true });
}

function remember() {
  history.replaceState({ ...history.state, scroll: window.scrollY }, "");
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

async function show({ scroll, anew = false }) {
  const path = location.pathname;
  const parameters = new URLSearchParams(location.search);
  const route = state.routes.find(({ pattern }) => pattern.test(path));
  const restore = () => window.scrollTo(0, scroll);
  if (!anew && state.current?.path === path && state.current.view?.update) {
    state.current.view.update({ parameters, restore });
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
  opened.view = await route.open({ parts, parameters, signal: state.leave.signal, restore });
}
