"""From a file's bytes to a picture in any mode, with Pillow; a JPEG no larger than is needed.

Limits: 250 megapixels decoded, and 500 as stored for a JPEG that is decoded at reduced scale.
WebP, GIF and TIFF obey Pillow's own limit as well (179 megapixels by default). A picture of 250
megapixels with alpha takes some 2 GB while it is decoded; above 50 they are decoded one by one.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, cast

from imgsearch.errors import UnreadableImageError
from imgsearch.images.geometry import Box, Size, turned, turned_box
from imgsearch.images.metadata import UPRIGHT, Metadata, read_metadata, swaps_sides
from imgsearch.images.strict_pillow import StrictJpeg, open_strictly

if TYPE_CHECKING:
    from contextlib import ExitStack

    from PIL import Image, ImageFile

MAX_DECODED_PIXELS: Final = 250_000_000
MAX_REDUCED_PIXELS: Final = 500_000_000
# Above this, one picture at a time is decoded, so that threads do not add up their peaks.
GIANT_PIXELS: Final = 50_000_000
# A JPEG of a few kilobytes can ask for thousands of passes over all of its pixels. Encoders make
# about ten; libtiff and GDAL stop at a hundred as well.
# https://libjpeg-turbo.org/pmwiki/uploads/About/TwoIssueswiththeJPEGStandard.pdf
MAX_JPEG_SCANS: Final = 100

_GIANT: Final = threading.RLock()
_JPEG_MARKER: Final = re.compile(rb"\xff[^\0\x01\xd0-\xd7\xff]")
_START_OF_SCAN: Final = 0xDA
_END_OF_IMAGE: Final = 0xD9

# From a picture's size as displayed to the least size at which all of it must be decoded; raises
# `UsageError` for a crop that reaches beyond the picture.
Needed = Callable[[Size], Size]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture as displayed, perhaps smaller than it is.

    Attributes:
        image: upright, in any mode.
        metadata: of the full picture.
        area: where in `image` the picture lies: a reduced JPEG may hold a fraction of a pixel of
            padding at the edges that were its right and bottom.
        profile: embedded ICC profile.
    """

    image: Image.Image
    metadata: Metadata
    area: Box
    profile: bytes | None

    def locate(self, box: Box) -> Box:
        """Return where in `image` lies what `box` is in pixels of the full picture."""
        left, top, right, bottom = self.area
        across = (right - left) / self.metadata.width
        down = (bottom - top) / self.metadata.height
        return (
            left + box[0] * across,
            top + box[1] * down,
            left + box[2] * across,
            top + box[3] * down,
        )


def decode_with_pillow(data: bytes, kind: str, needed: Needed, turn: ExitStack) -> Decoded:
    """Decode JPEG, PNG, GIF, BMP, PPM, TIFF, WEBP, JPEG2000 or AVIF; of several frames the first.

    Args:
        data: the bytes of the whole file.
        kind: its format, as `signatures.identify` names it.
        needed: how large the picture must be decoded at least.
        turn: what a giant picture holds until it is done with; see `admit`.

    Raises:
        UnreadableImageError: the picture is too large, or a JPEG has too many scans.
        UsageError: from `needed`.
        Exception: whatever Pillow raises for damaged files.
    """
    image = open_strictly(data, kind)
    stored = image.size
    if kind not in {"JPEG", "TIFF"}:
        # PNG keeps EXIF after its pixels; TIFF forgets it once they are loaded.
        _load(image, kind, turn)
    upright = kind == "TIFF"
    metadata = read_metadata(image, size=stored, picture_format=kind, upright=upright)
    # Asked before any JPEG or TIFF is decoded, so that a crop beyond the picture costs nothing.
    wanted = needed((metadata.width, metadata.height))
    extent: tuple[float, float] = stored
    if kind == "JPEG":
        wanted = wanted[::-1] if swaps_sides(metadata.orientation) else wanted
        extent = reduce_jpeg(cast("StrictJpeg", image), data, wanted)
    profile = image.info.get("icc_profile")
    _load(image, kind, turn)
    orientation = UPRIGHT if upright else metadata.orientation
    displayed = turned(image, orientation)
    area = turned_box(extent, orientation, within=displayed.size)
    return Decoded(displayed, metadata, area, profile)


def admit(size: Size, kind: str, turn: ExitStack) -> None:
    """Refuse what is too large; let giants wait for each other until `turn` is over.

    Raises:
        UnreadableImageError: the picture has more than 250 megapixels.
    """
    check_pixels(size, kind)
    if math.prod(size) > GIANT_PIXELS:
        turn.enter_context(_GIANT)


def check_pixels(size: Size, kind: str, *, limit: int = MAX_DECODED_PIXELS) -> None:
    """Refuse a picture of more pixels than the limit.

    Raises:
        UnreadableImageError: it has more.
    """
    if math.prod(size) > limit:
        raise UnreadableImageError(
            f"too large: this {kind} has {size[0]} x {size[1]} pixels, the limit is "
            f"{limit // 1_000_000} megapixels"
        )


def _load(image: ImageFile.ImageFile, kind: str, turn: ExitStack) -> None:
    admit(image.size, kind, turn)
    image.load()


# ── JPEG at reduced scale ───────────────────────────────────────────────────────────────────


def reduce_jpeg(image: StrictJpeg, data: bytes, wanted: Size) -> tuple[float, float]:
    """Let a JPEG decode at 1/2, 1/4 or 1/8 where that is no smaller than wanted.

    libjpeg drops the high frequencies of its 8 x 8 cosine transforms, so that a pixel costs less
    than it does at full size.

    Args:
        image: opened and not yet loaded.
        data: the bytes of the whole file.
        wanted: smallest width and height, of the picture as it is stored.

    Returns:
        the picture's width and height in reduced pixels, which may end in a fraction.

    Raises:
        UnreadableImageError: the picture is too large, or has more than a hundred scans.
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
