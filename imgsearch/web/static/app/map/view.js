/** The map page: every picture as a point, or the clusters as a list. */

import { connection, getBytes, getJson, sentence } from "../core/api.js";
import { button, make } from "../core/dom.js";
import { info } from "../core/gallery.js";
import { icon } from "../core/icons.js";
import { note, reopen } from "../core/router.js";
import { counted } from "../core/words.js";
import { command, emptyGallery, failure, quoted } from "../grid/empty.js";
import { clusterList } from "./cluster_list.js";
import { Points } from "./points.js";
import { Stage } from "./stage.js";

const ZOOM = 1.6;
const WATCH = 20_000;
const METHODS = { pca: "PCA", tsne: "t-SNE" };
const KEYS = "Arrow keys move, plus and minus zoom, 0 shows all. Tab goes to the pictures, S takes the lasso, V marks what is in view.";

export async function openMap({ parameters, signal }) {
  document.title = "Map · imgsearch";
  const main = document.getElementById("main");
  main.replaceChildren(make("div.page-head", {}, make("h1", { text: "Map" })));
  connection.addEventListener("back", reopen, { signal });
  try {
    const drawn = await getJson("/map", {}, { signal });
    if (!drawn.total) {
      main.replaceChildren(emptyGallery(await info()));
      return null;
    }
    const points = new Points(await getBytes("/map/points", { drawing: drawn.drawing }, { signal }), drawn.levels);
    return showMap(main, drawn, points, { parameters, signal, gallery: (await info()).gallery });
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(failure(sentence(error), reopen));
    return null;
  }
}

function showMap(main, drawn, points, { parameters, signal, gallery }) {
  const labels = drawn.clusters.map(({ size, point }) => ({ size, point }));
  const stage = new Stage(points, labels, signal);
  const list = make("div.map-list", { hidden: true });
  const fill = () => {
    if (list.firstChild) return;
    list.append(clusterList(drawn.clusters, {
      isUnseen: (content) => points.unseen[points.pointOf(content)] === 1,
      mark: (cluster) => stage.mark(points.inCluster(cluster)),
      show(cluster) {
        look("map");
        stage.showCluster(cluster);
        stage.node.focus({ preventScroll: true });
      },
    }));
  };
  const frame = make("div.map-frame", {}, stage.node, toolbar(stage));
  const views = make("div.segments", { role: "group", "aria-label": "View" }, ...[["map", "Map"], ["clusters", "Clusters"]].map(
    ([name, text]) => button("button", { text, "data-view": name, click: () => look(name) }),
  ));
  const about = make("span.soft", { text: `${counted(points.count, "picture")}, ${counted(drawn.clusters.length, "cluster")}, by ${METHODS[drawn.method]}` });

  function look(name) {
    const isList = name === "clusters";
    if (isList) fill();
    list.hidden = !isList;
    frame.hidden = isList;
    document.body.classList.toggle("map-open", !isList);
    for (const each of views.children) each.setAttribute("aria-pressed", String(each.dataset.view === name));
    keep(name);
  }

  function keep(view = list.hidden ? "map" : "clusters") {
    const { x, y, nearness } = stage.camera;
    const search = new URLSearchParams();
    if (view === "clusters") search.set("view", view);
    if (!stage.camera.isWhole) search.set("at", [x.toFixed(5), y.toFixed(5), nearness.toFixed(3)].join(","));
    note(`/map${search.size ? `?${search}` : ""}`);
  }

  main.replaceChildren(
    make("div.page-head", {}, make("h1", { text: "Map" }), about, views), advice(drawn, gallery), make("p.unseen", { id: "map-keys", text: KEYS }),
    frame, list,
  );
  stage.addEventListener("moved", () => keep(), { signal });
  watch(drawn.generation, () => stage.lasso.isOpen, signal);
  signal.addEventListener("abort", () => document.body.classList.remove("map-open"));
  document.body.classList.add("map-open");
  stage.start(placeOf(parameters));
  look(parameters.get("view") === "clusters" ? "clusters" : "map");
  return {
    update({ parameters: next }) {
      const at = placeOf(next);
      if (at) stage.lookAt(...at);
      else stage.whole();
      look(next.get("view") === "clusters" ? "clusters" : "map");
    },
  };
}

/** Draw anew when the gallery has changed; not while something is being caught. */
function watch(generation, isBusy, signal) {
  const timer = setInterval(async () => {
    if (document.hidden || isBusy()) return;
    const now = await info({ fresh: true }).catch(() => null);
    if (now && now.generation !== generation && !signal.aborted) reopen();
  }, WATCH);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/** Return where the address looks, null for the whole map. */
function placeOf(parameters) {
  const at = (parameters.get("at") ?? "").split(",").map(Number);
  return at.length === 3 && at.every(Number.isFinite) && at[2] > 0 ? at : null;
}

function toolbar(stage) {
  const tool = (name, text, key, click) => button("button.button.quiet.round", { icon: icon(name), "aria-label": text, title: `${text} (${key})`, click });
  const lasso = tool("lasso", "Lasso", "S, or drag with Shift", () => { stage.lassoing = !stage.lassoing; });
  lasso.setAttribute("aria-pressed", "false");
  stage.addEventListener("tool", () => lasso.setAttribute("aria-pressed", String(stage.lassoing)));
  return make(
    "div.map-tools", { role: "toolbar", "aria-label": "The map" },
    tool("zoomIn", "Nearer", "+", () => stage.zoom(ZOOM)), tool("zoomOut", "Farther", "-", () => stage.zoom(1 / ZOOM)),
    tool("whole", "All of it", "0", () => { stage.choose(-1); stage.whole(); }), lasso,
    tool("check", "Mark what is in view", "V", () => stage.markInView()),
  );
}

/** What to type for a better map, where there is one to be had. */
function advice({ kept, outgrown, method }, gallery) {
  const name = quoted(gallery);
  if (!kept) {
    return make(
      "div.notice.map-advice", {}, icon("info"), make("p", { text: "This is drawn by PCA for now. A map that is kept, and keeps pictures that look alike together, comes from:" }),
      command(`imgsearch map --gallery ${name}`),
    );
  }
  if (!outgrown) return make("span");
  return make(
    "div.notice.map-advice", {}, icon("info"), make("p", { text: `Much has changed since this map was drawn${method === "pca" ? "" : ", and new pictures are only placed among the old ones"}. A new one, on which everything lies elsewhere:` }),
    command(`imgsearch map --anew --gallery ${name}`),
  );
}
