"""From feature maps to one vector for each of some boxes: the mean over what a box covers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from imgsearch.networks.pooling import l2_normalise

if TYPE_CHECKING:
    from numpy.typing import NDArray


def box_means(maps: NDArray[np.floating[Any]], boxes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the mean over every box of every image, of unit length.

    A box whose edges lie within places of the maps takes these in part, by the area that it
    covers of them.

    Args:
        maps: feature maps, shape (n, h, w, c).
        boxes: left, top, right and bottom in shares of the sides, shape (b, 4); none is empty.

    Returns:
        Shape (n, b, c), float32.
    """
    count, height, width, channels = maps.shape
    # (b, h, 1) * (b, 1, w) -> (b, hw)
    down = _covered(boxes[:, 1], boxes[:, 3], height)
    across = _covered(boxes[:, 0], boxes[:, 2], width)
    weights = (down[:, :, np.newaxis] * across[:, np.newaxis, :]).reshape(len(boxes), -1)
    weights /= weights.sum(axis=1, keepdims=True)
    # (b, hw) @ (n, hw, c) -> (n, b, c)
    means = weights.astype(np.float32) @ maps.reshape(count, height * width, channels)
    return l2_normalise(means.reshape(-1, channels)).reshape(count, len(boxes), channels)


def _covered(
    first: NDArray[np.float64], last: NDArray[np.float64], places: int
) -> NDArray[np.float64]:
    """Return how much of each place lies between two edges, (b, places)."""
    edges = np.arange(places)
    low = np.maximum(first[:, np.newaxis] * places, edges)
    high = np.minimum(last[:, np.newaxis] * places, edges + 1)
    covered: NDArray[np.float64] = np.maximum(high - low, 0.0)
    return covered
