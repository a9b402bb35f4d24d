"""From the rows of a recipe to a map, and from a map to one that shows what is newer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isqrt
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.maps.drawn_map import STRANGEST, DrawnMap, Points
from imgsearch.maps.frame import Frame
from imgsearch.maps.layout import kind_of
from imgsearch.vectors.clustering import spherical_centroids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.maps.layout import MapMethod
    from imgsearch.maps.watch import Watch
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.vectors.projection import Projection

# So many pictures are laid out, those of smallest hash; all others are placed among them.
SAMPLE: Final = 20_000
# A map has about sqrt(2 n) clusters: with fewer, those of labelled photographs hold several kinds
# each (benchmarks/results/map.md), and with more there would be no looking over them.
SHARE: Final = 2
MOST_CLUSTERS: Final = 400


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What a map is laid out by.

    Attributes:
        vectors: projected embeddings of the contents of smallest hash, in the order of their
            hashes, shape (a, dim), float32.
        count: of all contents.
        projection: that they went through.
    """

    vectors: NDArray[np.float32]
    count: int
    projection: Projection | None


def read_sample(embeddings: Embeddings, space: SearchSpace, watch: Watch) -> Sample:
    """Return the sample of what a recipe has embedded.

    It depends on what the gallery holds and not on the order in which it came.

    Args:
        embeddings: in a snapshot.
        space: how the gallery is searched; the map keeps its projection.
        watch: told how far it has come.

    Raises:
        StoppedError: it is to stop.
    """
    ids = embeddings.sample(SAMPLE)
    place = {content_id: row for row, content_id in enumerate(ids)}
    vectors = np.empty((len(ids), space.index.dim), np.float32)
    done = 0
    for found, raw in embeddings.blocks(ids) if ids else ():
        watch.at("read", done, len(ids))
        vectors[[place[content_id] for content_id in found.tolist()]] = space.project(raw)
        done += len(found)
    return Sample(vectors, embeddings.count(), space.projection)


def lay_out(sample: Sample, *, method: MapMethod, watch: Watch) -> DrawnMap:
    """Return a map on which no picture has been placed yet; this is what takes its time.

    Raises:
        StoppedError: it is to stop.
    """
    vectors = sample.vectors
    layout = kind_of(method).fit(vectors, watch)
    wanted = min(len(vectors), MOST_CLUSTERS, isqrt(SHARE * sample.count))
    return DrawnMap(
        method=method,
        generation=-1,
        projection=sample.projection,
        layout=layout,
        frame=Frame.of(layout.place(vectors)),
        centroids=spherical_centroids(vectors, wanted) if wanted else vectors[:0],
        drawn_with=0,
        strange_below=-1.0,
        points=Points.none(),
    )


def fill(drawn: DrawnMap, embeddings: Embeddings, watch: Watch) -> DrawnMap:
    """Return a new map with all that a recipe has embedded.

    Args:
        drawn: as `lay_out` gave it.
        embeddings: in a snapshot.
        watch: told how far it has come.

    Raises:
        StoppedError: it is to stop.
    """
    drawn = grow(drawn, embeddings, watch, original=True)
    held = np.isin(drawn.points.ids, embeddings.store.held_ids(embeddings.stored.id))
    if not held.any():
        return drawn
    strange_below = float(np.quantile(drawn.points.closeness[held], STRANGEST))
    return replace(drawn, drawn_with=int(held.sum()), strange_below=strange_below)


def grow(
    drawn: DrawnMap, embeddings: Embeddings, watch: Watch, *, original: bool = False
) -> DrawnMap:
    """Return a map with what a recipe has embedded now; what was there stays where it was.

    Args:
        drawn: the map.
        embeddings: in a snapshot.
        watch: told how far it has come.
        original: whether the map is only now being drawn.

    Raises:
        StoppedError: it is to stop.
    """
    if drawn.generation == embeddings.generation:
        return drawn
    wanted = embeddings.ids()
    stays = np.isin(drawn.points.ids, wanted)
    new = np.setdiff1d(wanted, drawn.points.ids)
    placed: list[Points] = []
    done = 0
    for ids, raw in embeddings.blocks(new.tolist()) if len(new) else ():
        watch.at("place", done, len(new))
        placed.append(drawn.place(ids, raw, original=original))
        done += len(ids)
    return drawn.with_points(drawn.points.taken(stays).joined(placed), embeddings.generation)
