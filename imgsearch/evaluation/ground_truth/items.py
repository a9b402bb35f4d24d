"""An item's pixels, exactly as the gallery would embed them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.images import edits, loading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.evaluation.ground_truth.values import Item
    from imgsearch.images.geometry import CropBox, Size
    from imgsearch.recipe import Resize

# Annotations that count pixels from 1, or round, reach this much beyond the image's edges.
OVERHANG: Final = 1.0


def load_item(item: Item, *, size: int, resize: Resize) -> NDArray[np.uint8]:
    """Return an item's pixels: edited, cropped, and resized to a square, in this order.

    An item without edit gives what `imgsearch index` embeds, and with a crop what
    `imgsearch query --crop` embeds, bit for bit. A crop that reaches beyond the image by at
    most one pixel is cut off there.

    Args:
        item: the file, and what part or edit of it.
        size: side of the square in pixels.
        resize: how the image becomes a square.

    Returns:
        uint8 (size, size, 3), C-contiguous, RGB in sRGB.

    Raises:
        UnreadableImageError: the file cannot be decoded, or the image has no such part.
        UsageError: there is no such edit.
    """
    try:
        data = loading.read_file(item.path)
        if item.edit is not None:
            data = edits.apply(item.edit, data)
        return _square(data, item.crop, size=size, resize=resize)
    except UnreadableImageError as error:
        raise UnreadableImageError(error.reason, name=str(item.path)) from error


def _square(data: bytes, crop: CropBox | None, *, size: int, resize: Resize) -> NDArray[np.uint8]:
    try:
        return loading.load(data, size=size, resize=resize, crop=crop).pixels
    except UsageError as error:
        if crop is None:
            raise
        metadata = loading.load(data, size=1, resize="squash").metadata
        inner = _cut_off(crop, (metadata.width, metadata.height))
        if inner is None:
            raise UnreadableImageError(str(error)) from error
    return loading.load(data, size=size, resize=resize, crop=inner).pixels


def _cut_off(crop: CropBox, displayed: Size) -> CropBox | None:
    """Return a crop that reaches a pixel beyond the image at most, cut off; None for others."""
    if crop.percent:
        return None
    beyond = (crop.left + crop.width - displayed[0], crop.top + crop.height - displayed[1])
    sides = (crop.width - max(0.0, beyond[0]), crop.height - max(0.0, beyond[1]))
    if max(beyond) <= 0 or max(beyond) > OVERHANG or min(sides) < 1:
        return None
    return replace(crop, width=sides[0], height=sides[1])
