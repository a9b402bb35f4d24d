"""AVIF to an image, with Pillow, which does not crop it by its clean aperture."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

from imgsearch.images.boxes import clean_aperture
from imgsearch.images.decoding import Decoded, Needed, admit
from imgsearch.images.exif import read_exif, read_metadata, read_orientation
from imgsearch.images.geometry import turned
from imgsearch.images.strict_pillow import open_avif

if TYPE_CHECKING:
    from contextlib import ExitStack

    from imgsearch.images.format_row import Format


def decode_avif(data: bytes, row: Format, _needed: Needed, turn: ExitStack) -> Decoded:
    """Decode an AVIF's primary image, cropped by its clean aperture and turned.

    Raises:
        UnreadableImageError: the image is too large.
        Exception: whatever Pillow raises for damaged files.
    """
    image = open_avif(BytesIO(data))
    admit(image.size, row.name, turn, pixel_bytes=row.pixel_bytes)
    image.load()
    area = clean_aperture(data, image.size)
    shown: Image.Image = image
    if area:
        left, top, right, bottom = map(round, area)
        # `Image.crop` would apply Pillow's own pixel limit.
        shown = Image.new(image.mode, (right - left, bottom - top))
        shown.paste(image, (-left, -top))
    metadata = read_metadata(image, size=shown.size, image_format=row.name, data=data)
    return Decoded(
        turned(shown, read_orientation(read_exif(image))), metadata, image.info.get("icc_profile")
    )
