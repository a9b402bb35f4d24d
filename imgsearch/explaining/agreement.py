"""Which places of two images agree, and by how much of their score.

The embedding is e = g / |g| with g = Σ_p g_p, what the places add to the pooled vector. What is
searched is y / |y| with y = ((e - mean) components) · scale, which is linear in e but for its
length. So y = Σ_p y_p with y_p = ((g_p / |g| - mean / n) components) · scale over n places, and the
score is a sum over pairs of places: Σ_p Σ_q y_p · y'_q / (|y| |y'|). What a place adds, summed over
the other image's places, is its value in the map; the map's sum is the score.

Attribution by such sums follows class activation maps (Zhou et al. 2016, "Learning deep features
for discriminative localization"), carried over to similarity by Stylianou, Souvenir and Pless
(2019, "Visualizing deep similarity networks").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.explaining.shares import shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.pooling_choice import Pooling
    from imgsearch.vectors.projection import Projection


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """The score of two images, shared out among their places.

    Attributes:
        score: cosine similarity in the space that is searched; 0 where one of them has no
            direction there.
        one: what each place of the first image adds to it, shape (h, w), float64; below 0 where it
            speaks against. The sum is the score.
        other: likewise of the second image.
    """

    score: float
    one: NDArray[np.float64]
    other: NDArray[np.float64]


def agreement(
    one: NDArray[np.float32],
    other: NDArray[np.float32],
    *,
    pooling: Pooling,
    projection: Projection | None,
) -> Agreement:
    """Share the score of two images out among their places.

    Args:
        one: feature maps of the first, shape (h, w, c).
        other: of the second, likewise; h and w may be others.
        pooling: of their recipe.
        projection: what is searched; None for the embeddings themselves.
    """
    first, second = (_parts(shares(maps, pooling), projection) for maps in (one, other))
    of_first, of_second = (_direction(parts) for parts in (first, second))
    return Agreement(
        score=float(of_first @ of_second),
        one=_map(first, of_second),
        other=_map(second, of_first),
    )


def _parts(shared: NDArray[np.float64], projection: Projection | None) -> NDArray[np.float64]:
    """Return what each place adds to the searched vector, before that gets unit length."""
    parts = shared / (np.linalg.norm(shared.sum(axis=(0, 1))) or 1.0)
    if projection is None:
        return parts
    places = parts.shape[0] * parts.shape[1]
    # (h, w, c) @ (c, out) -> (h, w, out)
    coordinates = (parts - projection.mean / places) @ projection.components
    scaled: NDArray[np.float64] = coordinates * projection.scale
    return scaled


def _direction(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the searched vector, of unit length or zero."""
    vector = parts.sum(axis=(0, 1))
    unit: NDArray[np.float64] = vector / (np.linalg.norm(vector) or 1.0)
    return unit


def _map(parts: NDArray[np.float64], towards: NDArray[np.float64]) -> NDArray[np.float64]:
    # (h, w, out) @ (out,) -> (h, w)
    added: NDArray[np.float64] = parts @ towards
    return added / (np.linalg.norm(parts.sum(axis=(0, 1))) or 1.0)
