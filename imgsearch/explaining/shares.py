"""What each place of the feature maps adds to the pooled vector.

All poolings are sums over places once it is known how much of each channel a place has: for the
mean that is the activation itself, for a maximum all of it belongs to the place where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.networks.pooling import GEM_FLOOR, rmac_regions
from imgsearch.pooling_choice import GEM_POWER, RMAC_LEVELS, PoolingChoice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.pooling_choice import Pooling


def shares(feature_maps: NDArray[np.floating[Any]], method: Pooling) -> NDArray[np.float64]:
    """Share a pooled vector out among the places of the feature maps.

    - "gap": x_ijc / hw.
    - "gmp": the maximum, at the first place that has it; 0 elsewhere.
    - "gem": f_c · x_ijc^p / Σ x_ijc^p: what a place has of the power sum is its share.
    - "rmac": as "gmp" in each region, over the length of the region's maxima, summed.

    Args:
        feature_maps: of one image, shape (h, w, c), floating point.
        method: how the recipe pools.

    Returns:
        Shape (h, w, c); the sum over h and w is the pooled vector, before it gets unit length.

    Raises:
        UsageError: the network pools inside, by "cls" or "map".
    """
    maps = feature_maps.astype(np.float64)
    choice = PoolingChoice.parse(method)
    match choice.method:
        case "gap":
            shared: NDArray[np.float64] = maps / (maps.shape[0] * maps.shape[1])
            return shared
        case "gmp":
            return _maxima(maps)
        case "gem":
            return _of_powers(maps, power=choice.parameter or GEM_POWER)
        case "rmac":
            return _of_regions(maps, levels=int(choice.parameter or RMAC_LEVELS))
        case "cls" | "map":
            raise UsageError(
                f"explain: the network pools by itself ({choice.method}), so that no place has a "
                "share of the score; `imgsearch index --pooling gap` with the same backbone makes "
                "a recipe that can be explained"
            )


def _maxima(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the maximum of every channel at its place, and 0 elsewhere."""
    flat = maps.reshape(-1, maps.shape[2])
    places, channels = flat.argmax(axis=0), np.arange(flat.shape[1])
    found = np.zeros_like(flat)
    found[places, channels] = flat[places, channels]
    return found.reshape(maps.shape)


def _of_powers(maps: NDArray[np.float64], *, power: float) -> NDArray[np.float64]:
    clamped = np.maximum(maps, GEM_FLOOR)
    largest = clamped.max(axis=(0, 1))
    powers = (clamped / largest) ** power
    pooled = powers.mean(axis=(0, 1)) ** (1 / power) * largest
    shared: NDArray[np.float64] = powers / powers.sum(axis=(0, 1)) * pooled
    return shared


def _of_regions(maps: NDArray[np.float64], *, levels: int) -> NDArray[np.float64]:
    total = np.zeros_like(maps)
    for top, left, side in rmac_regions(*maps.shape[:2], levels=levels):
        region = np.s_[top : top + side, left : left + side]
        found = _maxima(maps[region])
        length = np.linalg.norm(found.sum(axis=(0, 1)))
        total[region] += found / (length or 1.0)
    return total
