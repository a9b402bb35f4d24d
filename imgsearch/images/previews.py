"""A RAW file's EXIF, and the JPEG in it that stands for sensor data which cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image

from imgsearch.images import preambles
from imgsearch.images.decoding import check_pixels
from imgsearch.images.exif import load_exif, read_exif, read_orientation
from imgsearch.images.metadata import UPRIGHT
from imgsearch.images.strict_pillow import StrictJpeg

# Thumbnails are smaller, and show too little.
SMALLEST_PREVIEW: Final = 512
MOST_PREVIEWS: Final = 64
_HEADER: Final = 256 << 10
_ORIENTATION: Final = 274


@dataclass(frozen=True, slots=True)
class Preview:
    """A camera's own rendering.

    Attributes:
        image: as stored.
        exif: the RAW file's, or its own; the orientation is the image's.
    """

    image: Image.Image
    exif: Image.Exif


def largest_preview(data: bytes) -> Preview | None:
    """Return the largest JPEG in a RAW file that is whole and no thumbnail, None without one."""
    found: list[tuple[int, int]] = []
    position = -1
    for _ in range(MOST_PREVIEWS):
        position = data.find(b"\xff\xd8\xff", position + 1)
        if position < 0:
            break
        try:
            width, height = StrictJpeg(BytesIO(_bounded(data[position : position + _HEADER]))).size
        except Exception:  # noqa: BLE001, S112 - these bytes need not be a JPEG at all
            continue
        if max(width, height) >= SMALLEST_PREVIEW:
            found.append((width * height, position))
    for _, position in sorted(found, reverse=True):
        try:
            image = StrictJpeg(BytesIO(_bounded(data[position:])))
            check_pixels(image.size, "RAW")
            image.load()
        except Exception:  # noqa: BLE001, S112 - lossless sensor data begins like a JPEG as well
            continue
        exif, own = raw_exif(data) or read_exif(image), read_orientation(read_exif(image))
        if own != UPRIGHT:
            exif[_ORIENTATION] = own
        return Preview(image, exif)
    return None


def _bounded(jpeg: bytes) -> bytes:
    return preambles.of_jpeg(jpeg)


def raw_exif(data: bytes) -> Image.Exif:
    """Return the EXIF of a RAW file that is a TIFF or Canon's CR3, empty for others."""
    exif = Image.Exif()
    if data[4:8] == b"ftyp":
        place = data.find(b"CMT1", 0, _HEADER)  # the first directory, in a box of Canon's
        length = int.from_bytes(data[place - 4 : place], "big")
        return load_exif(data[place + 4 : place - 4 + length]) if place >= 4 else exif  # noqa: PLR2004 - its length's field
    if data[:2] not in {b"II", b"MM"} or data[6:14] == b"HEAPCCDR":
        return exif
    # Panasonic and Olympus write TIFF under a magic of their own.
    head = b"II*\0" if data[:2] == b"II" else b"MM\0*"
    try:
        exif.load_from_fp(BytesIO(head + data[4:]))
    except Exception:  # noqa: BLE001 - a broken EXIF block raises nearly anything
        return Image.Exif()
    return exif
