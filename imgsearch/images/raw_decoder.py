"""A camera's RAW to an image, with rawpy. Loaded when such a file is met.

LibRaw may still write a line about a damaged file to the process's stderr.
"""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Final

import rawpy
from PIL import Image

from imgsearch.images.decoding import Decoded, Needed, admit, check_pixels
from imgsearch.images.geometry import Size, turned
from imgsearch.images.metadata import UPRIGHT, read_exif, read_metadata, swaps_sides
from imgsearch.images.strict_pillow import StrictJpeg

if TYPE_CHECKING:
    from contextlib import ExitStack

    from imgsearch.images.formats import Format

# A preview whose shape differs more than this shows another part of the scene than the sensor.
PREVIEW_SHAPE_TOLERANCE: Final = 0.05

# LibRaw's flip (1 mirrors, 2 turns upside down, 4 transposes) -> EXIF orientation.
_FLIPS: Final = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}


def decode_raw(data: bytes, row: Format, needed: Needed, turn: ExitStack) -> Decoded:
    """Decode a camera's RAW: its preview where that is large enough, else at half size.

    The preview is the camera's own rendering, which is what people know the photo by, and costs
    far less than developing the sensor's data.

    Raises:
        UnreadableImageError: the image is too large.
        UsageError: from `needed`.
        Exception: whatever rawpy raises for damaged files.
    """
    with rawpy.imread(BytesIO(data)) as raw:
        orientation = _FLIPS.get(raw.sizes.flip, UPRIGHT)
        stored = (raw.sizes.iwidth, raw.sizes.iheight)
        admit(stored, row.name, turn)
        displayed = stored[::-1] if swaps_sides(orientation) else stored
        wanted = needed(displayed)
        preview = _preview(raw, wanted)
        exif = _exif(data, preview)
        image = _upright(preview, orientation, displayed=displayed) if preview else None
        if image is None or image.width < wanted[0] or image.height < wanted[1]:
            image = Image.fromarray(
                raw.postprocess(half_size=True, use_camera_wb=True, output_bps=8)
            )
    metadata = replace(
        read_metadata(image, size=displayed, image_format=row.name, upright=True, exif=exif),
        orientation=orientation,
    )
    return Decoded(image, metadata, image.info.get("icc_profile"))


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


def _exif(data: bytes, preview: Image.Image | None) -> Image.Exif:
    """Return the EXIF of a RAW file: its own where it is a TIFF, else its preview's."""
    exif = Image.Exif()
    try:
        # Panasonic and Olympus write TIFF under a magic of their own.
        head = b"II*\0" if data[:2] == b"II" else b"MM\0*"
        if data[:2] in {b"II", b"MM"} and data[6:14] != b"HEAPCCDR":
            exif.load_from_fp(BytesIO(head + data[4:]))
            return exif
    except Exception:  # noqa: BLE001 - a broken EXIF block raises nearly anything
        exif = Image.Exif()
    return read_exif(preview) if preview else exif
