"""From a file's bytes to an image in any mode, with Pillow; a JPEG no larger than is needed.

Limits: 250 megapixels decoded, and 500 as stored for a JPEG that is decoded at a reduced scale.
WebP, GIF and TIFF obey Pillow's own limit as well (179 megapixels by default). What decoding may
take of the memory is in `decoding`.
"""

from __future__ import annotations

import hashlib
import re
from io import BytesIO
from typing import IO, TYPE_CHECKING, Final, cast

from imgsearch.errors import UnreadableImageError
from imgsearch.images.decoding import MAX_DECODED_PIXELS, Decoded, admit, check_pixels
from imgsearch.images.exif import read_metadata
from imgsearch.images.geometry import turned, turned_box
from imgsearch.images.metadata import UPRIGHT, swaps_sides
from imgsearch.images.strict_pillow import StrictJpeg, open_strictly

if TYPE_CHECKING:
    from contextlib import ExitStack

    from PIL import ImageFile

    from imgsearch.images.decoding import Needed
    from imgsearch.images.format_row import Format
    from imgsearch.images.geometry import Size

MAX_REDUCED_PIXELS: Final = 500_000_000
DEEP_PIXEL_BYTES: Final = 14
# A JPEG of a few kilobytes can ask for thousands of passes over all of its pixels. Encoders make
# about ten; libtiff and GDAL stop at a hundred as well.
# https://libjpeg-turbo.org/pmwiki/uploads/About/TwoIssueswiththeJPEGStandard.pdf
MAX_JPEG_SCANS: Final = 100

# libjpeg gets so much of a file at a time. In Pillow's blocks of 64 KiB, each of which ends within
# a row, 12 megapixels take 3 % longer.
BLOCK_BYTES: Final = 4 << 20

# Of TIFF; whether Pillow's libtiff was built with them shows only when it decodes.
_RARE_COMPRESSIONS: Final = frozenset({"lzma", "webp", "zstd"})
_JPEG_MARKER: Final = re.compile(rb"\xff[^\0\x01\xd0-\xd7\xff]")
_START_OF_SCAN: Final = 0xDA
_END_OF_IMAGE: Final = 0xD9


def decode_with_pillow(data: bytes, row: Format, needed: Needed, turn: ExitStack) -> Decoded:
    """Decode a file whose row names an opener; of several frames the first.

    Raises:
        UnreadableImageError: the image is too large, or a JPEG has too many scans.
        UsageError: from `needed`.
        Exception: whatever Pillow raises for damaged files.
    """
    if row.bounded:
        data = row.bounded(data)
    image = open_strictly(data, row.opener)
    stored = image.size
    jpeg = image if isinstance(image, StrictJpeg) else None
    # Pillow turns a TIFF by itself as it loads the pixels.
    upright = image.format == "TIFF"
    if not jpeg and not upright:
        # PNG keeps EXIF after its pixels; TIFF forgets it once they are loaded.
        _load(image, row, turn)
    metadata = read_metadata(image, size=stored, image_format=row.name, upright=upright, data=data)
    # Asked before any JPEG or TIFF is decoded, so that a crop beyond the image costs nothing.
    wanted = needed((metadata.width, metadata.height))
    extent: tuple[float, float] = stored
    if jpeg:
        wanted = wanted[::-1] if swaps_sides(metadata.orientation) else wanted
        extent = reduce_jpeg(jpeg, data, wanted)
    profile = image.info.get("icc_profile")
    if jpeg:
        admit(image.size, row.name, turn)
        image = load_jpeg(jpeg, data, wanted)
    elif upright:
        _load(image, row, turn)
    orientation = UPRIGHT if upright else metadata.orientation
    displayed = turned(image, orientation)
    area = turned_box(extent, orientation, within=displayed.size)
    return Decoded(displayed, metadata, profile, area)


def _load(image: ImageFile.ImageFile, row: Format, turn: ExitStack) -> None:
    deep = DEEP_PIXEL_BYTES if image.mode in {"F", "I"} else 0
    admit(image.size, row.name, turn, pixel_bytes=max(row.pixel_bytes, deep))
    try:
        image.load()
    except OSError as error:
        compression = image.info.get("compression")
        if row.name == "TIFF" and compression in _RARE_COMPRESSIONS:
            raise OSError(f"unsupported compression: {compression}") from error
        raise


# ── JPEG at reduced scale ───────────────────────────────────────────────────────────────────


def reduce_jpeg(image: StrictJpeg, data: bytes, wanted: Size) -> tuple[float, float]:
    """Let a JPEG decode at 1/2, 1/4 or 1/8 where that is no smaller than wanted.

    libjpeg drops the high frequencies of its 8 x 8 cosine transforms, so that a pixel costs less
    than it does at full size.

    Args:
        image: opened and not yet loaded.
        data: the bytes of the whole file.
        wanted: smallest width and height, of the image as it is stored.

    Returns:
        the image's width and height in reduced pixels, which may end in a fraction.

    Raises:
        UnreadableImageError: the image is too large, or has more than a hundred scans.
    """
    stored = image.size
    progressive = bool(image.info.get("progressive"))
    # A progressive JPEG is held whole as coefficients, whatever scale it is decoded at.
    limit = MAX_DECODED_PIXELS if progressive else MAX_REDUCED_PIXELS
    check_pixels(stored, "JPEG", limit=limit)
    if (progressive or not _is_interleaved(image, data)) and _count_scans(data) > MAX_JPEG_SCANS:
        raise UnreadableImageError(f"damaged JPEG: it has more than {MAX_JPEG_SCANS} scans")
    reduced = image.draft(None, wanted)
    if reduced is None:
        return stored
    _, (_, _, width, height) = reduced
    return width, height


def load_jpeg(image: StrictJpeg, data: bytes, wanted: Size) -> StrictJpeg:
    """Return the image with its pixels loaded, also where its end marker alone is missing.

    Whether anything else is missing tells what libjpeg makes of bytes that are put where the file
    ends: if the last scan is whole, it passes over them.

    Raises:
        OSError: the file ends within the pixels' data, or whatever Pillow raises.
    """
    image.decodermaxblock = BLOCK_BYTES
    try:
        image.load()
    except OSError:
        position = data.rfind(b"\xff\xda")
        if position < 0 or data.find(b"\xff\xd9", position) >= 0:
            raise
        ended = [data.rstrip(b"\xff") + filler + b"\xff\xd9" for filler in _FILLERS]
        check_pixels(StrictJpeg(BytesIO(data)).size, "JPEG")
        if len({_digest(jpeg) for jpeg in ended}) > 1:
            raise
        image = StrictJpeg(BytesIO(ended[0]))
        image.draft(None, wanted)
        image.load()
    return image


def _digest(jpeg: bytes) -> bytes:
    """Return a hash of a JPEG's pixels at full scale, where each coefficient counts."""
    return hashlib.sha256(StrictJpeg(BytesIO(jpeg)).tobytes()).digest()


# Any bytes without a marker that decode to different coefficients.
_FILLERS: Final = tuple(
    bytes(number * factor % 251 for number in range(1, 512)) for factor in (67, 113)
)


def _is_interleaved(image: StrictJpeg, jpeg: bytes) -> bool:
    """Tell whether the first scan, whose header Pillow has just read, holds all components."""
    length = 6 + 2 * image.layers
    start = cast("IO[bytes]", image.fp).tell() - 2 - length
    return jpeg[start : start + 5] == b"\xff\xda" + bytes((0, length, image.layers))


def _count_scans(jpeg: bytes) -> int:
    """Count the scans before a JPEG's end marker, ITU-T T.81 section B.1.

    What follows the end marker, such as a phone's moving picture, holds any byte sequence.
    """
    if jpeg.count(b"\xff\xda") <= MAX_JPEG_SCANS:
        return 0  # counting what looks like one is the quick way, and never counts too few
    scans, position = 0, 2
    while found := _JPEG_MARKER.search(jpeg, position):
        marker = jpeg[found.end() - 1]
        if marker == _END_OF_IMAGE:
            break
        scans += marker == _START_OF_SCAN
        position = found.end() + int.from_bytes(jpeg[found.end() : found.end() + 2], "big")
    return scans
