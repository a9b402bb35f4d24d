"""Frames around parts of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.images.geometry import Size
    from imgsearch.search.matches import PixelBox

# Light within dark, so that it shows on any picture.
_LINES: Final = ((0, 1, 0), (1, 3, 255), (3, 4, 0))


def framed(pixels: NDArray[np.uint8], box: PixelBox, size: Size) -> NDArray[np.uint8]:
    """Return a small version of an image with a frame just within a box.

    Args:
        pixels: of the small version, shape (h, w, 3); not modified.
        box: in pixels of the image itself.
        size: width and height of that.
    """
    height, width = pixels.shape[:2]
    left, top = round(box[0] * width / size[0]), round(box[1] * height / size[1])
    right = round((box[0] + box[2]) * width / size[0])
    bottom = round((box[1] + box[3]) * height / size[1])
    drawn = pixels.copy()
    within = drawn[top:bottom, left:right]
    for first, last, brightness in _LINES:
        inner = within[last:-last, last:-last].copy()
        within[first : len(within) - first, first : within.shape[1] - first] = brightness
        if inner.size:
            within[last:-last, last:-last] = inner
    return drawn
