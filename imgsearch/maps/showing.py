"""From a map as it is kept to what is shown of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.maps.gallery_map import GalleryMap, MapAge, MapCluster
from imgsearch.maps.levels import levels_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.maps.drawn_map import DrawnMap, Points
    from imgsearch.storage.database import Store
    from imgsearch.storage.embeddings import Embeddings

CENTRAL: Final = 12
_DIGEST_BYTES: Final = 32


def shown(drawn: DrawnMap, embeddings: Embeddings, *, file: Path | None = None) -> GalleryMap:
    """Return what is shown of a map: contents that no file holds are left out.

    Args:
        drawn: up to date with the embeddings.
        embeddings: in a snapshot.
        file: where the map is kept.
    """
    held = embeddings.store.held_contents(embeddings.stored.id)
    ids = np.array([content_id for content_id, _ in held], np.int64)
    points = drawn.points.taken(np.searchsorted(drawn.points.ids, ids))
    hashes = bytes.fromhex("".join(content_hash for _, content_hash in held))
    contents = np.frombuffer(hashes, np.uint8).reshape(-1, _DIGEST_BYTES)
    cluster_of, clusters = _clusters(points, contents)
    return GalleryMap(
        method=drawn.method,
        recipe=embeddings.identifier,
        generation=drawn.generation,
        file=file,
        contents=contents,
        positions=points.positions,
        cluster_of=cluster_of,
        offline=_offline(embeddings.store, ids),
        levels=levels_of(points.positions, points.closeness),
        clusters=clusters,
        age=_age(drawn, points),
    )


def _offline(store: Store, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    absent = [root.id for root in store.roots() if not root.online]
    if not absent:
        return np.zeros(len(ids), np.bool_)
    offline: NDArray[np.bool_] = ~np.isin(ids, store.contents_elsewhere(absent))
    return offline


def _clusters(
    points: Points, contents: NDArray[np.uint8]
) -> tuple[NDArray[np.int32], tuple[MapCluster, ...]]:
    """Return the place of each point's cluster, and the clusters that are not empty."""
    names, inverse, sizes = np.unique(points.clusters, return_inverse=True, return_counts=True)
    largest_first = np.argsort(-sizes, kind="stable")
    place = np.empty(len(names), np.int32)
    place[largest_first] = np.arange(len(names), dtype=np.int32)
    cluster_of: NDArray[np.int32] = place[inverse]
    # By cluster, and within each the closest to its centroid first.
    order = np.lexsort((-points.closeness, cluster_of))
    ends = np.cumsum(sizes[largest_first])
    found = []
    for end, size in zip(ends.tolist(), sizes[largest_first].tolist(), strict=True):
        rows = order[end - size : end]
        x, y = np.median(points.positions[rows], axis=0).tolist()
        central = tuple(contents[row].tobytes().hex() for row in rows[:CENTRAL])
        found.append(MapCluster(size, x, y, central))
    return cluster_of, tuple(found)


def _age(drawn: DrawnMap, points: Points) -> MapAge:
    added = ~points.original
    return MapAge(
        drawn=drawn.drawn_with,
        added=int(added.sum()),
        removed=max(0, drawn.drawn_with - int(points.original.sum())),
        strangers=int((points.closeness[added] < drawn.strange_below).sum()),
    )
