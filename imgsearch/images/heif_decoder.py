"""HEIC and its kin to an image, with pillow_heif. Loaded when such a file is met."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pillow_heif

from imgsearch.errors import UnreadableImageError
from imgsearch.images import boxes
from imgsearch.images.decoding import Decoded, Needed, admit
from imgsearch.images.exif import load_exif, read_metadata
from imgsearch.images.heif_sequences import first_frame

if TYPE_CHECKING:
    from contextlib import ExitStack

    from PIL import Image

    from imgsearch.images.format_row import Format


def decode_heif(data: bytes, row: Format, _needed: Needed, turn: ExitStack) -> Decoded:
    """Decode HEIC and its kin; libheif has turned the image, whatever its EXIF says.

    Raises:
        UnreadableImageError: the image is too large, or the file a sequence of another codec.
        Exception: whatever pillow_heif raises for damaged files.
    """
    if boxes.first(data, "meta") is None and boxes.first(data, "moov"):
        still = first_frame(data)
        if still is None:
            raise UnreadableImageError("not supported: a HEIF sequence without a still image")
        data = still
    opened = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
    admit(opened.size, row.name, turn, pixel_bytes=row.pixel_bytes)
    exif = load_exif(opened.info.get("exif"))  # as stored; `to_pillow` takes the orientation out
    image: Image.Image = opened.to_pillow()
    metadata = read_metadata(image, image_format=row.name, upright=True, exif=exif, data=data)
    return Decoded(image, metadata, image.info.get("icc_profile"))
