/** The clusters as a list: what the map shows, for those who do not look at it, or go by words. */

import { button, make } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { counted } from "../core/words.js";
import { thumbnail } from "../grid/tile.js";

const SIDE = 112;

/**
 * Return the list.
 *
 * @param {Array<{size: number, central: string[]}>} clusters
 * @param {{mark: Function, show: Function, isUnseen: Function}} act the first two take the number of a
 *   cluster, the last says of a content whether there is no thumbnail of it
 */
export function clusterList(clusters, { mark, show, isUnseen }) {
  return make("ol.clusters", {}, ...clusters.map(({ size, central }, at) => {
    const name = `Cluster ${at + 1}`;
    return make(
      "li", {},
      make(
        "div.cluster-head", {}, make("h2", { text: name }), make("span.soft", { text: counted(size, "picture") }),
        button("button.button.quiet", { icon: icon("map"), text: "On the map", "aria-label": `Show ${name.toLowerCase()} on the map`, click: () => show(at) }),
        button("button.button.quiet", { icon: icon("check"), text: "Mark all", "aria-label": `Mark all ${counted(size, "picture")} of ${name.toLowerCase()}`, click: () => mark(at) }),
      ),
      make("ul.cluster-row", { "aria-label": `The most central of ${name.toLowerCase()}` }, ...central.map((content, place) => make(
        "li", {}, make("a.map-tile", { href: `/content/${content}`, "aria-label": `Picture ${place + 1} of ${name.toLowerCase()}` }, isUnseen(content) ? icon("offline") : make("img", {
          src: thumbnail(content, SIDE), alt: "", loading: "lazy", decoding: "async", width: SIDE, height: SIDE, class: "shown",
        })),
      ))),
    );
  }));
}
