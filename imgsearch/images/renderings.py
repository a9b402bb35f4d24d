"""Grey renderings of images, to be looked at in any of eight orientations and at any scale."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from imgsearch.images.fingerprints import CODECS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.images.geometry import Box, Size

ORIENTATIONS: Final = 8
_EXCHANGED, _LEFT_RIGHT, _UPSIDE_DOWN = 1, 2, 4


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """An image as small as it is kept.

    Attributes:
        grey: its luma.
        colour: in RGB.
    """

    grey: Image.Image
    colour: Image.Image

    @classmethod
    def decode(cls, encoded: bytes, *, longest: int) -> Rendering:
        """Return a rendering that was stored, enlarged if its longer side is below `longest`.

        Raises:
            OSError: the bytes are damaged.
        """
        with Image.open(BytesIO(encoded), formats=CODECS) as image:
            colour = image.convert("RGB")
        scale = longest / max(colour.size)
        if scale != 1:
            width, height = (max(1, round(side * scale)) for side in colour.size)
            colour = colour.resize((width, height), Image.Resampling.BICUBIC)
        return cls(colour.convert("L"), colour)

    @classmethod
    def of(cls, pixels: NDArray[np.uint8]) -> Rendering:
        """Return an image that is not stored: uint8 (height, width, 3), RGB."""
        colour = Image.fromarray(pixels)
        return cls(colour.convert("L"), colour)

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        return self.grey.size

    def oriented(self, orientation: int) -> Rendering:
        """Return the image after a change of orientation.

        Args:
            orientation: bit 0: rows and columns are exchanged first; bit 1: then left and right;
                bit 2: and top and bottom.
        """
        return Rendering(_oriented(self.grey, orientation), _oriented(self.colour, orientation))

    def luma(self, size: Size, box: Box | None = None) -> NDArray[np.float32]:
        """Return a part of the image, resampled: float32 (height, width), from 0 to 255."""
        return np.asarray(
            self.grey.resize(size, Image.Resampling.BICUBIC, box=box), dtype=np.float32
        )

    def colours(self, size: Size, box: Box | None = None) -> NDArray[np.float32]:
        """Return a part of the image, resampled: float32 (height, width, 3), RGB."""
        return np.asarray(
            self.colour.resize(size, Image.Resampling.BICUBIC, box=box), dtype=np.float32
        )


def _oriented(image: Image.Image, orientation: int) -> Image.Image:
    if orientation & _EXCHANGED:
        image = image.transpose(Image.Transpose.TRANSPOSE)
    if orientation & _LEFT_RIGHT:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if orientation & _UPSIDE_DOWN:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return image
