"""Comparing two renderings: the placement under which they agree best."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.duplicates.corners import Corners, find_corners, placements
from imgsearch.duplicates.overlay import Agreement, lay_over
from imgsearch.duplicates.placement import Placement
from imgsearch.images.fingerprints import SIDE
from imgsearch.images.renderings import Rendering

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Pixels a side of the thumbnails that tell whether two whole frames may lie upon each other.
THUMBNAIL: Final = 24
# Their correlation from which on that is tried; logarithm of the shapes' ratio up to which it is.
FRAMES_ALIKE: Final = 0.5
SAME_SHAPE: Final = 0.12
# Placements that are tried besides.
TRIED: Final = 2


class Look:
    """A rendering with what is computed of it once."""

    def __init__(self, encoded: bytes) -> None:
        """Decode it.

        Raises:
            OSError: the bytes are damaged.
        """
        self.rendering = Rendering.decode(encoded, longest=SIDE)

    @cached_property
    def corners(self) -> Corners:
        """Its corners."""
        return find_corners(self.rendering)

    @cached_property
    def thumbnails(self) -> NDArray[np.float32]:
        """It without its shape and mean, of unit length, in all orientations: (8, pixels)."""
        square = self.rendering.luma((THUMBNAIL, THUMBNAIL))
        square = square - square.mean()
        square /= np.sqrt((square**2).sum()) + np.float32(1e-3)
        turned = [square, square.T]
        turned = [image[:, ::step] for step in (1, -1) for image in turned]
        turned = [image[::step] for step in (1, -1) for image in turned]
        return np.stack([image.reshape(-1) for image in turned])


def compare(one: Look, other: Look) -> Agreement | None:
    """Return how far two images agree when the second is laid upon the first as well as can be.

    Returns:
        None where nothing suggests any placement.
    """
    best: Agreement | None = None
    for placement in _frames(one, other):
        best = _better(best, lay_over(one.rendering, other.rendering, placement))
        if best is not None and _is_plain(best):
            return best
    for placement in placements(one.corners, other.corners)[:TRIED]:
        best = _better(best, lay_over(one.rendering, other.rendering, placement))
    return best


def _frames(one: Look, other: Look) -> list[Placement]:
    """Return the placements of the second's whole frame upon the first's that look promising."""
    alike = other.thumbnails @ one.thumbnails[0]
    width, height = one.rendering.size
    found = []
    for orientation in np.argsort(-alike, kind="stable")[:2].tolist():
        across, down = other.rendering.size[:: -1 if orientation & 1 else 1]
        shape = abs(np.log(width / height * down / across))
        if alike[orientation] >= FRAMES_ALIKE and shape <= SAME_SHAPE:
            found.append(Placement(orientation, width / across, height / down, 0.0, 0.0))
    return found


def _better(one: Agreement | None, other: Agreement | None) -> Agreement | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other, key=_quality)


def _quality(agreement: Agreement) -> float:
    return agreement.better + agreement.worse + agreement.whole / 2


def _is_plain(agreement: Agreement) -> bool:
    return agreement.worse > 0.9 and agreement.whole > 0.95  # noqa: PLR2004
