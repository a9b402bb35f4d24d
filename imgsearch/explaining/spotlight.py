"""A score's map drawn over its image: what agrees stays bright, the rest goes dark.

Brightness alone carries it, so that it reads the same whatever colours a person sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DARKEST: Final = 0.22


def spotlight(
    pixels: NDArray[np.uint8], values: NDArray[np.float64], box: tuple[float, ...]
) -> NDArray[np.uint8]:
    """Darken an image by how little each place adds to a score.

    The map is interpolated linearly between the middles of its places. Its largest value leaves the
    image as it is; 0 and below, and what the map does not cover, leave `DARKEST` of it.

    Args:
        pixels: uint8 (height, width, 3).
        values: the map, shape (h, w).
        box: left, top, right and bottom of what it covers, in pixels of this image.
    """
    height, width = pixels.shape[:2]
    left, top, right, bottom = box
    positive = np.maximum(values, 0)
    light = positive / (float(positive.max()) or 1.0)
    across = _places(width, left, right, count=light.shape[1])
    down = _places(height, top, bottom, count=light.shape[0])
    wide = np.stack([np.interp(across, range(light.shape[1]), row) for row in light])
    smooth = np.stack([np.interp(down, range(len(wide)), column) for column in wide.T], axis=1)
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    smooth[:, (x < left) | (x > right)] = 0
    smooth[(y < top) | (y > bottom)] = 0
    factors = DARKEST + (1 - DARKEST) * smooth
    return np.rint(pixels * factors[:, :, np.newaxis]).astype(np.uint8)


def _places(pixels: int, first: float, last: float, *, count: int) -> NDArray[np.float64]:
    """Return where the middles of pixels lie among places, 0 being the middle of the first."""
    middles = np.arange(pixels, dtype=np.float64) + 0.5
    places: NDArray[np.float64] = (middles - first) / (last - first) * count - 0.5
    return places
