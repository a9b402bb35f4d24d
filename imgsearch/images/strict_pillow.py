"""Pillow's format classes, made to refuse a file that ends early whatever a host program set.

They are called directly rather than through `Image.open`, whose list of formats and pixel limit
belong to the whole process; no setting of theirs is changed. libtiff may still write a line about
a damaged file to the process's stderr.
"""

from __future__ import annotations

import struct
from io import BytesIO
from typing import IO, TYPE_CHECKING, Final, cast

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from imgsearch.images.refusals import TRUNCATED, ends_early

if TYPE_CHECKING:
    from collections.abc import Callable


def open_strictly(data: bytes, kind: str) -> ImageFile.ImageFile:
    """Open a picture without decoding its pixels.

    Args:
        data: the bytes of the whole file.
        kind: JPEG, PNG, GIF, BMP, PPM, TIFF, WEBP, JPEG2000 or AVIF. The first picture of an MPO
            is a plain JPEG.

    Raises:
        Exception: whatever Pillow raises for damaged files.
    """
    return _OPENERS[kind](BytesIO(data))


class _Strict(ImageFile.ImageFile):
    """Refuses a file that ends early.

    With `ImageFile.LOAD_TRUNCATED_IMAGES` set, Pillow's decoding loop takes an empty read or a
    `struct.error` for a reason to stop and to return half a picture.
    """

    def load_read(self, read_bytes: int) -> bytes:
        """Return the next bytes of the picture's data; called by Pillow's decoding loop."""
        return _not_empty(cast("IO[bytes]", self.fp).read(read_bytes))


class StrictJpeg(_Strict, JpegImagePlugin.JpegImageFile):
    """Refuses a JPEG that ends early, to which Pillow's own class would add an end marker."""


class _Gif(_Strict, GifImagePlugin.GifImageFile):
    pass


class _Bmp(_Strict, BmpImagePlugin.BmpImageFile):
    pass


class _Ppm(_Strict, PpmImagePlugin.PpmImageFile):
    pass


class _Tiff(_Strict, TiffImagePlugin.TiffImageFile):
    pass


class _Png(PngImagePlugin.PngImageFile):
    def load_read(self, read_bytes: int) -> bytes:
        """Return the next bytes of the picture's data, which Pillow's own finds in chunks."""
        try:
            return _not_empty(super().load_read(read_bytes))
        except (struct.error, IndexError) as error:
            raise OSError(TRUNCATED) from error


def _not_empty(data: bytes) -> bytes:
    if not data:
        raise OSError(TRUNCATED)
    return data


def _open_png(file: BytesIO) -> ImageFile.ImageFile:
    image = _Png(file)
    # Pillow scales samples to 8 bits, and leaves the transparent one at the file's depth.
    transparent = image.info.get("transparency")
    rawmode = image.tile[0].args
    if isinstance(transparent, int) and rawmode in {"L;2", "L;4"}:
        image.info["transparency"] = transparent * (85 if rawmode == "L;2" else 17)
    elif isinstance(transparent, tuple) and rawmode == "RGB;16B":
        image.info["transparency"] = tuple(sample >> 8 for sample in transparent)
    return image


def _open_jpeg2000(file: BytesIO) -> ImageFile.ImageFile:
    if ImageFile.LOAD_TRUNCATED_IMAGES and ends_early(file.getvalue(), "JPEG2000"):
        raise OSError(TRUNCATED)
    return Jpeg2KImagePlugin.Jpeg2KImageFile(file)


def _open_avif(file: BytesIO) -> ImageFile.ImageFile:
    try:
        return AvifImagePlugin.AvifImageFile(file)
    except SyntaxError:
        # Pillow refuses an AVIF whose EXIF is broken; without that item it is a picture.
        return AvifImagePlugin.AvifImageFile(BytesIO(file.getvalue().replace(b"Exif", b"skip", 1)))


_OPENERS: Final[dict[str, Callable[[BytesIO], ImageFile.ImageFile]]] = {
    "JPEG": StrictJpeg,
    "PNG": _open_png,
    "GIF": _Gif,
    "BMP": _Bmp,
    "PPM": _Ppm,
    "TIFF": _Tiff,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "JPEG2000": _open_jpeg2000,
    "AVIF": _open_avif,
}
