"""Which parts of an image are its regions, and how their vectors are kept.

Sizes, overlaps, dim and codes were chosen by measurement: benchmarks/results/regions.md.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import GalleryDamagedError
from imgsearch.quantities import byte_size, counted
from imgsearch.recipe import HUB
from imgsearch.regions.codes import code_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.images.geometry import Box
    from imgsearch.recipe import Recipe

VERSION: Final = 1
DIM: Final = 128
# Squares of these shares of the side, so many in a row and in a column, evenly from edge to edge.
_SCALES: Final = ((1.0, 1), (0.6, 2), (0.4, 3), (0.3, 4))
REGIONS: Final = sum(count * count for _, count in _SCALES)
# The network sees an image larger than for its embedding: twice the pixels, twice the time. A small
# network is quick enough to see more.
_ENLARGED: Final = 1.45
_LEAST: Final = 256
# Of an image on disk, measured at 100,000 images: benchmarks/results/regions.md.
DATABASE_BYTES: Final = 2_100
INDEX_BYTES: Final = 1_500
_STEP: Final = 32  # pixels to a place of the feature maps, in most networks
_PATCHES: Final = 112  # a multiple of 14 and of 16, as wide as the patches of KerasHub's networks


@dataclass(frozen=True, slots=True)
class Layout:
    """How the regions of a gallery are made, besides the recipe of its embeddings.

    Attributes:
        size: side of the square that the network sees, in pixels.
        dim: length of a region's vector.
        fitted: how many images the projection was fitted on.
        held: how many embeddings the gallery had then.
        version: of the boxes and codes.
    """

    size: int
    dim: int
    fitted: int
    held: int
    version: int = VERSION

    @property
    def shape(self) -> tuple[int, int]:
        """Of an image's codes: regions, and bytes of each."""
        return REGIONS, code_bytes(self.dim)

    def to_json(self) -> str:
        """Return the layout as one line, from which `from_json` makes it again."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Layout:
        """Return the layout that `to_json` wrote.

        Raises:
            GalleryDamagedError: the text is none.
        """
        try:
            layout = cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError) as error:
            raise _damaged() from error
        if any(type(value) is not int or value < 1 for value in asdict(layout).values()):
            raise _damaged()
        return layout


def cost(images: int) -> str:
    """Return what the regions of so many images take on disk, for a person."""
    return (
        f"{REGIONS} parts each of {counted(images, 'picture')} take about "
        f"{byte_size(images * DATABASE_BYTES)} in the database and "
        f"{byte_size(images * INDEX_BYTES)} in the index"
    )


def enlarged(recipe: Recipe) -> Recipe:
    """Return a recipe whose network sees images as large as regions take it."""
    step = _PATCHES if recipe.backbone.startswith(HUB) else _STEP
    least = step * math.ceil(_LEAST / step)
    return replace(recipe, size=max(least, step * round(_ENLARGED * recipe.size / step)))


def region_boxes() -> NDArray[np.float64]:
    """Return left, top, right and bottom of every region, in shares of the sides, (regions, 4).

    The first is the whole.
    """
    return np.array(
        [
            (x, y, x + share, y + share)
            for share, count in _SCALES
            for y, x in product(_evenly(1 - share, count), repeat=2)
        ]
    )


def _evenly(room: float, count: int) -> list[float]:
    return [room * step / max(1, count - 1) for step in range(count)]


def within_square(box: Box, part: NDArray[np.float64]) -> Box:
    """Return a part of a network's square in pixels of the image that it shows.

    Args:
        box: what the square shows, as `imgsearch.images.geometry.square_box` has it.
        part: left, top, right and bottom in shares of the square.
    """
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    return (
        left + width * float(part[0]),
        top + height * float(part[1]),
        left + width * float(part[2]),
        top + height * float(part[3]),
    )


def _damaged() -> GalleryDamagedError:
    return GalleryDamagedError(
        "how this gallery's regions were made cannot be read; another version of imgsearch wrote "
        "it, or it is damaged: `imgsearch index --no-regions` drops them, --regions makes them anew"
    )
