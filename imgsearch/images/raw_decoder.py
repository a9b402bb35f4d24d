"""A camera's RAW to an image, with rawpy. Loaded when such a file is met.

LibRaw may still write a line about a damaged file to the process's stderr.
"""

from __future__ import annotations

import math
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Final

import rawpy
from PIL import Image

from imgsearch.errors import ImgsearchError
from imgsearch.images.decoding import Decoded, Needed, admit, check_pixels
from imgsearch.images.exif import read_exif, read_metadata, read_orientation
from imgsearch.images.geometry import Size, turned
from imgsearch.images.metadata import UPRIGHT, swaps_sides
from imgsearch.images.previews import largest_preview, raw_exif
from imgsearch.images.refusals import TRUNCATED
from imgsearch.images.strict_pillow import StrictJpeg

if TYPE_CHECKING:
    from contextlib import ExitStack

    from imgsearch.images.format_row import Format

# A preview whose shape differs more than this shows another part of the scene than the sensor.
PREVIEW_SHAPE_TOLERANCE: Final = 0.05

# No sensor's data is compressed so much; fewer levels apart than this is one colour.
PIXELS_PER_BYTE: Final = 40
ONE_COLOUR: Final = 8
NEARLY: Final = 0.98

# LibRaw's flip (1 mirrors, 2 turns upside down, 4 transposes) -> EXIF orientation.
_FLIPS: Final = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}


def decode_raw(data: bytes, row: Format, needed: Needed, turn: ExitStack) -> Decoded:
    """Decode a camera's RAW: its preview where that is large enough, else at half size.

    The preview is the camera's own rendering, which is what people know the photo by, and costs
    far less than developing the sensor's data. It also stands for sensor data that is missing or
    of a kind that LibRaw does not know.

    Raises:
        UnreadableImageError: the image is too large, or holds no sensor data.
        UsageError: from `needed`.
        Exception: whatever rawpy raises for damaged files.
    """
    try:
        return _with_libraw(data, row, needed, turn)
    except ImgsearchError:
        raise
    except Exception:
        shown = largest_preview(data)
        if shown is None:
            raise
    orientation = read_orientation(shown.exif)
    image = turned(shown.image, orientation)
    metadata = replace(
        read_metadata(image, image_format=row.name, upright=True, exif=shown.exif, data=data),
        orientation=orientation,
    )
    return Decoded(image, metadata, shown.image.info.get("icc_profile"))


def _with_libraw(data: bytes, row: Format, needed: Needed, turn: ExitStack) -> Decoded:
    with rawpy.imread(BytesIO(data)) as raw:
        orientation = _FLIPS.get(raw.sizes.flip, UPRIGHT)
        stored = (raw.sizes.iwidth, raw.sizes.iheight)
        admit(stored, row.name, turn, pixel_bytes=row.pixel_bytes)
        displayed = stored[::-1] if swaps_sides(orientation) else stored
        wanted = needed(displayed)
        preview = _preview(raw, wanted)
        exif = raw_exif(data) or (read_exif(preview) if preview else Image.Exif())
        image = _upright(preview, orientation, displayed=displayed) if preview else None
        if image is None or image.width < wanted[0] or image.height < wanted[1]:
            image = Image.fromarray(
                raw.postprocess(half_size=True, use_camera_wb=True, output_bps=8)
            )
            if _is_made_of_nothing(image, data, stored):
                raise OSError(TRUNCATED)
    metadata = replace(
        read_metadata(
            image, size=displayed, image_format=row.name, upright=True, exif=exif, data=data
        ),
        orientation=orientation,
    )
    return Decoded(image, metadata, image.info.get("icc_profile"))


def _is_made_of_nothing(image: Image.Image, data: bytes, stored: Size) -> bool:
    """Tell whether a file is far too small for its pixels, which are all but one colour.

    LibRaw fills with zeros what is missing.
    """
    if len(data) * PIXELS_PER_BYTE >= math.prod(stored):
        return False
    for band in image.reduce(8).split():
        levels = band.histogram()
        most = levels.index(max(levels))
        if sum(levels[max(0, most - ONE_COLOUR) : most + ONE_COLOUR + 1]) < NEARLY * sum(levels):
            return False
    return True


def _preview(raw: rawpy.RawPy, wanted: Size) -> Image.Image | None:
    """Return the largest preview in a RAW file as it is stored, perhaps reduced."""
    try:
        preview = raw.extract_thumb()
        if preview.format != rawpy.ThumbFormat.JPEG:
            return Image.fromarray(preview.data)
        image = StrictJpeg(BytesIO(preview.data))
        check_pixels(image.size, "RAW")
        image.draft(None, (max(wanted), max(wanted)))  # whichever way it is stored
        image.load()
    except Exception:  # noqa: BLE001 - whatever is wrong with it, there is the sensor's data
        return None
    return image


def _upright(preview: Image.Image, orientation: int, *, displayed: Size) -> Image.Image | None:
    """Turn a preview as the RAW is displayed; `None` where it shows another part of the scene.

    Previews are stored as the sensor lies or as the image is displayed; their shape tells.
    """
    shape = displayed[0] / displayed[1]
    for image in (turned(preview, orientation), preview):
        if abs(image.width / image.height / shape - 1) <= PREVIEW_SHAPE_TOLERANCE:
            return image
    return None
