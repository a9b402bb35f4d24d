"""A map as it is kept: all that places a picture, and the pictures that it has placed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from imgsearch.vectors.clustering import nearest_centroid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.maps.frame import Frame
    from imgsearch.maps.layout import Layout, MapMethod
    from imgsearch.vectors.projection import Projection

# The share of a map's own pictures that lie farther from their centroid than a stranger must.
STRANGEST: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """Contents and where they lie, by ascending id.

    Attributes:
        ids: of the contents, shape (n,), int64.
        positions: shape (n, 2), float32, within the unit disc.
        clusters: rows of the map's centroids, shape (n,), int32.
        closeness: inner products with that centroid, shape (n,), float32.
        original: whether the map was drawn with them, rather than grown by them, shape (n,), bool.
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.float32]
    clusters: NDArray[np.int32]
    closeness: NDArray[np.float32]
    original: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def none(cls) -> Self:
        """Return no points."""
        return cls(
            ids=np.empty(0, np.int64),
            positions=np.empty((0, 2), np.float32),
            clusters=np.empty(0, np.int32),
            closeness=np.empty(0, np.float32),
            original=np.empty(0, np.bool_),
        )

    def taken(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Return some of them, or all in another order."""
        return type(self)(
            ids=self.ids[rows],
            positions=self.positions[rows],
            clusters=self.clusters[rows],
            closeness=self.closeness[rows],
            original=self.original[rows],
        )

    def joined(self, others: list[Self]) -> Self:
        """Return these and others, by ascending id."""
        every = [self, *others]
        joined = type(self)(
            ids=np.concatenate([points.ids for points in every]),
            positions=np.concatenate([points.positions for points in every]),
            clusters=np.concatenate([points.clusters for points in every]),
            closeness=np.concatenate([points.closeness for points in every]),
            original=np.concatenate([points.original for points in every]),
        )
        return joined.taken(np.argsort(joined.ids, kind="stable"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnMap:
    """A map of the contents that a recipe had embedded at one generation.

    Attributes:
        method: by which it was laid out.
        generation: of the recipe, that the points reflect.
        projection: what embeddings go through before they are placed; None for nothing. It stays
            the map's own when the gallery's is fitted again.
        layout: places projected vectors.
        frame: brings them into the unit disc.
        centroids: of the clusters, unit rows, shape (k, dim), float32.
        drawn_with: how many pictures it was drawn with.
        strange_below: the closeness that one in a hundred of these fell short of.
        points: what has been placed.
    """

    method: MapMethod
    generation: int
    projection: Projection | None
    layout: Layout
    frame: Frame
    centroids: NDArray[np.float32]
    drawn_with: int
    strange_below: float
    points: Points

    def project(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings `(n, dim)` as the vectors that are placed."""
        return embeddings if self.projection is None else self.projection.apply(embeddings)

    def place(
        self, ids: NDArray[np.int64], embeddings: NDArray[np.float32], *, original: bool = False
    ) -> Points:
        """Return where contents lie, each whatever the others."""
        vectors = self.project(embeddings)
        clusters, closeness = nearest_centroid(vectors, self.centroids)
        return Points(
            ids=ids,
            positions=self.frame.apply(self.layout.place(vectors)),
            clusters=clusters,
            closeness=closeness,
            original=np.full(len(ids), original),
        )

    def with_points(self, points: Points, generation: int) -> Self:
        """Return the same map with other points."""
        return replace(self, points=points, generation=generation)
