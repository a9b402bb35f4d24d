"""What tests of pictures ask again and again: decode these bytes, and how far is that off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import picture_files
import pytest
from PIL import Image

from imgsearch.errors import UnreadableImageError
from imgsearch.images.loading import load

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALL_FORMATS = (
    "JPEG", "PNG", "GIF", "BMP", "TIFF", "PPM", "WEBP", "JPEG2000", "AVIF", "HEIF", "MPO",
    "TGA", "PCX", "SGI", "ICO",
)  # fmt: skip
EXIF_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF")


def needs(picture_format: str) -> None:
    """Skip the test where this machine cannot write the format."""
    if not picture_files.can_write(picture_format):
        pytest.skip(f"this machine cannot write {picture_format}")


def squash(data: bytes, size: int = 8) -> NDArray[np.int64]:
    """Return the whole picture as (size, size, 3), in integers whose differences do not wrap."""
    return load(data, size=size, resize="squash").pixels.astype(np.int64)


def reason_for(data: bytes, **options: Any) -> str:
    """Return why `load` refuses these bytes."""
    with pytest.raises(UnreadableImageError) as refusal:
        load(data, **{"size": 8, "resize": "squash", **options})
    return refusal.value.reason


def largest_difference(one: Any, other: Any) -> int:
    """Return by how many levels two pictures or colours differ where they differ most."""
    return int(np.abs(np.asarray(one, np.int64) - np.asarray(other, np.int64)).max())


def flat(mode: str, colour: Any) -> Image.Image:
    """Return 8 x 8 pixels of one colour."""
    return Image.new(mode, (8, 8), colour)
