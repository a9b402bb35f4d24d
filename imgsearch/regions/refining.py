"""A second look at a match: the box that holds what resembles the question, place by place.

Every place of the feature maps has a likeness to what is looked for. What exceeds half of the
largest counts for a box and what stays below against it, and the box with the largest sum is taken,
of all that there are (the best subwindow of Lampert, Blaschko and Hofmann 2008, "Beyond sliding
windows"; the maps are so small that all can be tried).
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.networks.pooling import l2_normalise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.vectors.projection import Projection

# Of the largest likeness; chosen by measurement (benchmarks/results/regions.md).
THRESHOLD: Final = 0.5


def likeness(
    maps: NDArray[np.float32], vectors: NDArray[np.float32], projection: Projection
) -> NDArray[np.float64]:
    """Return the cosine similarity of each place with what is looked for, shape (h, w).

    Args:
        maps: feature maps of an image, shape (h, w, c).
        vectors: unit vectors `(n, dim)` in the space of regions; the nearest to a place counts.
        projection: into that space.
    """
    height, width, channels = maps.shape
    places = projection.apply(l2_normalise(maps.reshape(-1, channels)))
    alike: NDArray[np.float64] = (places.astype(np.float64) @ vectors.T).max(axis=1)
    return alike.reshape(height, width)


def best_box(alike: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return left, top, right and bottom of the box with the largest sum, in shares of the sides.

    Args:
        alike: of each place, shape (h, w).
    """
    height, width = alike.shape
    sums = np.zeros((height + 1, width + 1))
    sums[1:, 1:] = (alike - THRESHOLD * alike.max()).cumsum(axis=0).cumsum(axis=1)
    tops, bottoms = np.array(list(combinations(range(height + 1), 2))).T
    lefts, rights = np.array(list(combinations(range(width + 1), 2))).T
    # (rows, w + 1), then (rows, columns)
    bands = sums[bottoms] - sums[tops]
    totals = bands[:, rights] - bands[:, lefts]
    row, column = np.unravel_index(totals.argmax(), totals.shape)
    return np.array(
        [
            lefts[column] / width,
            tops[row] / height,
            rights[column] / width,
            bottoms[row] / height,
        ]
    )
