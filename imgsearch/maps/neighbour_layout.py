"""The layout that keeps neighbours together: t-SNE of a sample, all others by the sample.

It is fitted with an extra package, and placing needs none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from imgsearch.vectors.exact import ExactIndex
from imgsearch.vectors.spacing import distance_to_neighbour

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.maps.layout import Arrays
    from imgsearch.maps.watch import Watch

# How many of the sample say where a vector belongs, and how steeply the nearest of them prevail:
# the best of those tried in benchmarks/results/map.md.
NEAREST: Final = 5
POWER: Final = 4
STEPS: Final = 5
# The bandwidth is the median distance of a point to its tenth neighbour on the map.
CROWD: Final = 10
# Squared distance of unit vectors that are equal but for float32's rounding.
_SAME: Final = 1e-6
# Fewer have no neighbours to speak of.
_FEWEST: Final = 8


@dataclass(slots=True, eq=False)
class NeighbourLayout:
    """A `Layout` by nearest neighbours.

    Where the five nearest of the sample lie apart, their mean lies among strangers. So a vector
    comes to where they crowd: with weights d^-8 of their distances d, and a Gaussian kernel on the
    map, mean shift goes from the point of the highest density among the five (Fukunaga and
    Hostetler, "The estimation of the gradient of a density function", 1975).

    Attributes:
        sample: the vectors that were laid out, shape (a, dim), float32.
        points: where, shape (a, 2), float32.
        bandwidth: standard deviation of the kernel.
    """

    sample: NDArray[np.float32]
    points: NDArray[np.float32]
    bandwidth: float
    _index: ExactIndex | None = field(default=None, repr=False)

    @classmethod
    def fit(cls, vectors: NDArray[np.float32], watch: Watch) -> Self:
        """Return the layout of a sample `(n, dim)`.

        Raises:
            StoppedError: it is to stop.
        """
        if len(vectors) < _FEWEST:
            from imgsearch.maps.linear_layout import LinearLayout

            points = LinearLayout.fit(vectors, watch).place(vectors)
        else:
            from imgsearch.maps.tsne import lay_out

            points = lay_out(vectors, watch)
        laid = points.astype(np.float32)
        return cls(vectors.astype(np.float32), laid, _bandwidth(laid))

    def place(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the points `(n, 2)` of vectors `(n, dim)`."""
        if not len(self.sample) or not len(vectors):
            return np.zeros((len(vectors), 2))
        if self._index is None:
            self._index = ExactIndex.build(np.arange(len(self.sample)), self.sample)
        scores, rows = self._index.search(vectors, min(NEAREST, len(self.sample)))
        squared = np.maximum(2 - 2 * scores.astype(np.float64), _SAME)
        weights = (squared / squared[:, :1]) ** -POWER
        return _crowd(self.points[rows].astype(np.float64), weights, self.bandwidth)

    def arrays(self) -> Arrays:
        """Return what `restore` is given."""
        return {
            "sample": self.sample,
            "points": self.points,
            "bandwidth": np.array([self.bandwidth]),
        }

    @classmethod
    def restore(cls, arrays: Arrays, dim: int) -> Self:
        """Return the layout of these arrays.

        Raises:
            ValueError: a shape is not that of a layout of this dim.
        """
        sample, points, bandwidth = arrays["sample"], arrays["points"], arrays["bandwidth"]
        shapes = sample.shape, points.shape, bandwidth.shape
        if shapes != ((len(points), dim), (len(sample), 2), (1,)):
            raise ValueError(f"its sample is not one of vectors of dim {dim}")
        return cls(sample.astype(np.float32), points.astype(np.float32), float(bandwidth[0]))


def _bandwidth(points: NDArray[np.float32]) -> float:
    """Return the median distance of points `(n, 2)` to their tenth neighbour, above 0."""
    if len(points) < 2:  # noqa: PLR2004 - no neighbours
        return 1.0
    return float(np.median(distance_to_neighbour(points, min(CROWD, len(points) - 1)))) or 1.0


def _crowd(
    points: NDArray[np.float64], weights: NDArray[np.float64], bandwidth: float
) -> NDArray[np.float64]:
    """Return where weighted points crowd most: `(n, 2)` of `(n, k, 2)` and `(n, k)`."""

    def pull(places: NDArray[np.float64]) -> NDArray[np.float64]:
        squared = ((points - places[:, np.newaxis]) ** 2).sum(axis=2)
        strength: NDArray[np.float64] = weights * np.exp(-squared / (2 * bandwidth**2))
        return strength

    candidates = points.transpose(1, 0, 2)  # (k, n, 2)
    density = np.stack([pull(one).sum(axis=1) for one in candidates])
    places: NDArray[np.float64] = candidates[density.argmax(axis=0), np.arange(len(points))]
    for _ in range(STEPS):
        strength = pull(places)
        strength /= strength.sum(axis=1, keepdims=True)
        places = np.einsum("nk,nkd->nd", strength, points, dtype=np.float64)
    return places
