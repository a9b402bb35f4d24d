"""JPEG XL to an image, with pillow_jxl. Loaded when such a file is met."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

from pillow_jxl.JpegXLImagePlugin import JXLImageFile

from imgsearch.images import boxes
from imgsearch.images.decoding import Decoded, Needed, admit
from imgsearch.images.exif import read_metadata
from imgsearch.images.geometry import Size, turned
from imgsearch.images.metadata import UPRIGHT

if TYPE_CHECKING:
    from contextlib import ExitStack

    from imgsearch.images.format_row import Format

_STREAM: Final = b"\xff\x0a"
# ISO/IEC 18181-1, annex D: bits of a side that is no multiple of 8, and the ratios of the sides.
_SIDES: Final = (9, 13, 18, 30)
_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def decode_jxl(data: bytes, row: Format, _needed: Needed, turn: ExitStack) -> Decoded:
    """Decode a JPEG XL; libjxl has turned the image, unless it was a JPEG.

    Raises:
        UnreadableImageError: the image is too large.
        Exception: whatever pillow_jxl raises for damaged files.
    """
    # pillow_jxl decodes as it opens.
    admit(announced_size(data), row.name, turn, pixel_bytes=row.pixel_bytes)
    image = JXLImageFile(BytesIO(data))
    image.load()
    stored = not image.jpeg
    metadata = read_metadata(image, image_format=row.name, upright=stored, data=data)
    orientation = UPRIGHT if stored else metadata.orientation
    return Decoded(turned(image, orientation), metadata, image.info.get("icc_profile"))


def announced_size(data: bytes) -> Size:
    """Return width and height as a JPEG XL's header has them (ISO/IEC 18181-1, annex D).

    Raises:
        OSError: there is no header.
    """
    stream = data[:32]
    if not data.startswith(_STREAM):
        whole, part = boxes.first(data, "jxlc"), boxes.first(data, "jxlp")
        start = whole.start if whole else part.start + 4 if part else len(data)
        stream = data[start : start + 32]
    if not stream.startswith(_STREAM):
        raise OSError("its header makes no sense")
    bits = int.from_bytes(stream[2:], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & (1 << count) - 1
        bits >>= count
        return value

    small = take(1)

    def side() -> int:
        return 8 * (take(5) + 1) if small else take(_SIDES[take(2)]) + 1

    height = side()
    ratio = take(3)
    if not ratio:
        return side(), height
    across, down = _RATIOS[ratio - 1]
    return height * across // down, height
