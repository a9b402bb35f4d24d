"""Openers of formats that a photo collection holds here and there: Photoshop documents, icons."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING, Final, cast

from PIL import IcoImagePlugin, PsdImagePlugin

from imgsearch.errors import UnreadableImageError
from imgsearch.images import preambles
from imgsearch.images.strict_pillow import made_strict, open_png

if TYPE_CHECKING:
    from PIL import ImageFile

MOST_RESOURCES: Final = 16 << 20
_EXIF_RESOURCE: Final = 1058
_IPTC_RESOURCE: Final = 1028
_PNG: Final = b"\x89PNG\r\n\x1a\n"


def open_photoshop(file: BytesIO) -> ImageFile.ImageFile:
    """Open a Photoshop document, whose flattened image Photoshop stores for other programs.

    Adobe Photoshop File Formats Specification, "Photoshop File Structure".

    Raises:
        UnreadableImageError: its resources are larger than 16 MiB, or Pillow lacks its kind.
    """
    data = file.getvalue()
    depth, mode = struct.unpack_from(">HH", data, 22)
    if (mode, depth) not in PsdImagePlugin.MODES:
        raise UnreadableImageError(
            f"not supported: a Photoshop document of mode {mode} with {depth} bits a channel"
        )
    (colours,) = struct.unpack_from(">L", data, 26)
    (resources,) = struct.unpack_from(">L", data, 30 + colours)
    if resources > MOST_RESOURCES:
        raise UnreadableImageError("damaged PSD: its resources are larger than 16 MiB")
    image = cast("ImageFile.ImageFile", made_strict(PsdImagePlugin.PsdImageFile)(file))
    for number, _, content in getattr(image, "resources", ()):
        if number == _EXIF_RESOURCE:
            image.info["exif"] = content
        elif number == _IPTC_RESOURCE:
            image.info["photoshop"] = {number: content}
    if image.mode == "RGBA" and not _is_transparent(data, 34 + colours + resources):
        # The fourth channel is a selection that someone has saved.
        image._mode = "RGB"  # noqa: SLF001 - as Pillow's own classes set it while they open
        image.tile = image.tile[:3]
    return image


def _is_transparent(data: bytes, place: int) -> bool:
    """Tell whether the flattened image has transparency: its number of layers is negative."""
    length, _, layers = (
        struct.unpack_from(">LLh", data, place) if len(data) > place + 10 else (0, 0, 0)
    )
    return bool(length) and layers < 0


def open_icon(file: BytesIO) -> ImageFile.ImageFile:
    """Open the largest image of a Windows icon."""
    data = file.getvalue()
    entries = []
    for place in range(6, 6 + 16 * (data[4] | data[5] << 8), 16):
        width, height, _, _, _, depth, length, start = struct.unpack_from("<4B2H2L", data, place)
        entries.append(((width or 256) * (height or 256), depth, start, length))
    _, _, start, length = max(entries)
    if data.startswith(_PNG, start):
        return open_png(BytesIO(preambles.of_png(data[start : start + length])))
    return cast("ImageFile.ImageFile", made_strict(IcoImagePlugin.IcoImageFile)(file))
