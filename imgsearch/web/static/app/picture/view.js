/** The page of one picture: large, what is known of it, its files, its likes. */

import { address, connection, getJson, sentence } from "../core/api.js";
import { button, make } from "../core/dom.js";
import { info } from "../core/gallery.js";
import { icon } from "../core/icons.js";
import { marks } from "../core/marks.js";
import { go } from "../core/router.js";
import { leaveTrail, onTrail } from "../core/trail.js";
import { announce } from "../core/voice.js";
import { fileName, number } from "../core/words.js";
import { actOn } from "../grid/actions.js";
import { failure } from "../grid/empty.js";
import { Grid } from "../grid/window.js";

import { Answer } from "../search/answer.js";
import { filtersOf, Question } from "../search/question.js";
import { isTyping } from "../shell/keys.js";
import { facts, files } from "./facts.js";
import { Stage } from "./stage.js";

const LIKES = 60;

export async function openPicture({ parts: [content], parameters, signal, place }) {
  const main = document.getElementById("main");
  main.replaceChildren();
  let entry;
  let known;
  try {
    const order = parameters.get("order") === "path" ? "path" : "taken";
    [entry, known] = await Promise.all([
      getJson(`/contents/${content}`, { order, ...filtersOf(parameters) }, { signal }), info(),
    ]);
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(failure(sentence(error), () => openPicture({ parts: [content], parameters, signal, place })));
    return;
  }
  if (signal.aborted) return;
  const way = wayOf(entry, parameters);
  const name = fileName(entry.path);
  document.title = `${name} · imgsearch`;
  const stage = new Stage(entry, signal);
  stage.showPart(way.box);
  const likes = new Question().adding({ content }).address();
  const act = { ...way, likes, entry, stage };
  main.append(
    make(
      "div.picture", {},
      make("div.picture-main", {}, bar(act), stage.node),
      make(
        "aside.picture-facts", { "aria-label": "What is known of it" },
        make("h1", { text: name }), ...facts(entry), ...files(entry, known.can.reveal),
      ),
    ),
  );
  listen(act, signal);
  if (known.roots.every(({ online }) => online)) fetchAhead(way, stage.side);
  announce(`${name}, ${number(way.position + 1)} of ${number(way.total)}`);
  window.scrollTo(0, 0);
  await showLikes(main, content, { signal, likes, place });
}

/** Return where "previous" and "next" lead: along the answer it was found in, or through all pictures. */
function wayOf(entry, parameters) {
  const trail = onTrail(entry.content);
  const query = parameters.toString();
  const suffix = query && !trail ? `?${query}` : "";
  const link = (content) => content && `/content/${content}${suffix}`;
  const along = trail ?? entry;
  return {
    previous: link(along.previous), next: link(along.next), previousContent: along.previous, nextContent: along.next,
    back: trail?.from ?? `/browse${suffix}`, position: along.position ?? 0, total: trail?.total ?? entry.total ?? 0,
    box: trail?.box ?? null,
  };
}

function bar({ previous, next, back, likes, entry, stage, position, total }) {
  const framed = stage.part && button("button.button.quiet.round", {
    icon: icon("part"), title: "Frame the part that matches", "aria-label": "Frame the part that matches", "aria-pressed": "true",
    click: () => {
      stage.part.hidden = !stage.part.hidden;
      framed.setAttribute("aria-pressed", String(!stage.part.hidden));
    },
  });
  const marked = button("button.button.quiet", {
    icon: icon("check"), text: "Mark", title: "Mark (Space)", "aria-pressed": String(marks.has(entry.content)), id: "mark-picture",
    click: () => marks.toggle(entry),
  });
  const step = (href, name, drawn) => make(href ? "a.button.quiet.round" : "span.button.quiet.round", {
    href, "aria-label": href && name, title: href && name, "aria-disabled": href ? null : "true",
  }, icon(drawn));
  const tool = (drawn, name, click) => button("button.button.quiet.round", { icon: icon(drawn), title: name, "aria-label": name, click });
  return make(
    "div.picture-bar", { role: "toolbar", "aria-label": "Picture" },
    make("a.button.quiet", { href: back, id: "picture-back" }, icon("left"), make("span", { text: "Back" })),
    step(previous, "Previous (←)", "left"), step(next, "Next (→)", "right"),
    make("span.picture-count", { text: total ? `${number(position + 1)} of ${number(total)}` : "" }),
    tool("zoomOut", "Zoom out (−)", () => stage.zoom(0.8)), tool("zoomIn", "Zoom in (+)", () => stage.zoom(1.25)),
    tool("whole", "Whole picture (0)", () => stage.whole()), tool("rotate", "Turn, for the eye only (R)", () => stage.turn()),
    framed, marked, make("a.button.main", { href: likes }, icon("likes"), make("span", { text: "Find likes" })),
  );
}

function listen({ previous, next, likes, entry, stage }, signal) {
  const moves = {
    ArrowLeft: () => previous && go(previous, { replace: true }),
    ArrowRight: () => next && go(next, { replace: true }),
    "+": () => stage.zoom(1.25), "=": () => stage.zoom(1.25), "-": () => stage.zoom(0.8), 0: () => stage.whole(),
    r: () => stage.turn(), l: () => go(likes), " ": () => marks.toggle(entry),
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]") || (event.key === " " && event.target.closest("button, a"))) return;
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  }, { signal });
  marks.addEventListener("change", () => {
    document.getElementById("mark-picture")?.setAttribute("aria-pressed", String(marks.has(entry.content)));
  }, { signal });
}

/** Let the browser have the neighbours before they are asked for; not where some may not be there. */
function fetchAhead({ previousContent, nextContent }, side) {
  for (const content of [nextContent, previousContent]) {
    if (content) new Image().src = address(`/contents/${content}/view`, { side });
  }
}

async function showLikes(main, content, { signal, likes, place }) {
  const answer = new Answer(new Question().adding({ content }), { signal, most: LIKES });
  await answer.more();
  if (signal.aborted) return;
  const section = make("section.picture-likes", { "aria-label": "Pictures like it" }, make("h2", { text: "Pictures like it" }));
  main.append(section);
  if (answer.error) {
    section.append(make("p.soft", { text: sentence(answer.error) }));
    connection.addEventListener("back", () => {
      section.remove();
      showLikes(main, content, { signal, likes, place });
    }, { once: true, signal });
    return;
  }
  if (!answer.count) {
    section.append(make("p.soft", { text: "The gallery holds no other picture." }));
    return;
  }
  const grid = new Grid(answer, { label: "Pictures like it, the nearest first", href: (entry) => `/content/${entry.content}` }, signal);
  actOn(grid, {
    likes: (entry) => go(new Question().adding({ content: entry.content }).address()),
    add: (entry, minus) => go(new Question().adding({ content }).adding({ content: entry.content, minus }).address()),
  }, signal);
  grid.node.addEventListener("click", () => leaveTrail({ contents: [content, ...answer.contents] }, `/content/${content}`), { signal });
  section.append(grid.node, make("a.button", { href: likes, text: `All pictures like it` }));
  grid.arrange();
  if (place.scroll) grid.restore(place);
}
