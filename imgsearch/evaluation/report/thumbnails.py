"""Thumbnails, small enough to be embedded in an HTML file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import ImgsearchError
from imgsearch.evaluation.ground_truth.items import load_item
from imgsearch.images import edits, loading, thumbnails
from imgsearch.images.loading import PAD_COLOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.evaluation.ground_truth.values import Item

# A tile in the report has 96 pixels; the rest is for high-resolution screens.
LONGEST: Final = 120


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small version of an image.

    Attributes:
        width: in pixels.
        height: likewise; neither is above `LONGEST`.
        uri: a data URI with the encoded image.
    """

    width: int
    height: int
    uri: str


def thumbnail(item: Item) -> Thumbnail | None:
    """Return an item as a small image, edited and cropped as it was when it was embedded.

    Returns:
        None where the file can no longer be read.
    """
    try:
        pixels = _pixels(item)
    except ImgsearchError:
        return None
    height, width = pixels.shape[:2]
    return Thumbnail(width, height, thumbnails.data_uri(thumbnails.encode(pixels)))


def _pixels(item: Item) -> NDArray[np.uint8]:
    if item.crop is not None:
        return _without_bars(load_item(item, size=LONGEST, resize="pad"))
    data = loading.read_file(item.path)
    if item.edit is not None:
        data = edits.apply(item.edit, data)
    return loading.display(data, longest=LONGEST)


def _without_bars(square: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the middle of a padded square: all but the rows and columns of padding around it."""
    drawn = (square != np.array(PAD_COLOUR, dtype=np.uint8)).any(axis=2)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    if not len(rows):
        return square
    return square[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
