"""Pillow's format classes, made to refuse a file that ends early whatever a host program set.

They are called directly rather than through `Image.open`, whose list of formats and pixel limit
belong to the whole process; no setting of theirs is changed. libtiff may still write a line about
a damaged file to the process's stderr.
"""

from __future__ import annotations

import struct
from functools import cache
from io import BytesIO
from typing import IO, TYPE_CHECKING, Final, cast

from PIL import ImageFile, JpegImagePlugin, PngImagePlugin

from imgsearch.images.formats import named
from imgsearch.images.refusals import TRUNCATED
from imgsearch.images.truncation import jpeg2000_ends_early

if TYPE_CHECKING:
    from PIL import Image

    from imgsearch.images.format_row import Opener

_XMP: Final = ("xmp", "XML:com.adobe.xmp")


def open_strictly(data: bytes, opener: str | Opener | None) -> ImageFile.ImageFile:
    """Open a file without decoding its pixels.

    Args:
        data: the bytes of the whole file.
        opener: as in `formats.Format`. One of Pillow's own classes is made strict here; the first
            image of an MPO is a plain JPEG.

    Raises:
        Exception: whatever Pillow raises for damaged files.
    """
    found = named(opener)
    if isinstance(found, type):
        found = made_strict(found)
    return cast("Opener", found)(BytesIO(data))


class _OwnOrientation(ImageFile.ImageFile):
    """Takes no orientation from XMP, which Pillow adds to the EXIF and viewers do not obey."""

    def getexif(self) -> Image.Exif:
        """Return what EXIF alone tells."""
        names = [name for name in _XMP if name in self.info]
        hidden: dict[str | tuple[int, int], object] = {name: self.info.pop(name) for name in names}
        try:
            return super().getexif()
        finally:
            self.info.update(hidden)


class _Strict(_OwnOrientation):
    """Refuses a file that ends early.

    With `ImageFile.LOAD_TRUNCATED_IMAGES` set, Pillow's decoding loop takes an empty read or a
    `struct.error` for a reason to stop and to return half an image.
    """

    def load_read(self, read_bytes: int) -> bytes:
        """Return the next bytes of the pixels' data; called by Pillow's decoding loop."""
        return _not_empty(cast("IO[bytes]", self.fp).read(read_bytes))


@cache
def made_strict(plain: type) -> type:
    """Return a class of Pillow's that refuses a file that ends early."""
    return plain if issubclass(plain, _Strict) else type(plain.__name__, (_Strict, plain), {})


@cache
def _with_own_orientation(plain: type) -> type:
    return type(plain.__name__, (_OwnOrientation, plain), {})


class StrictJpeg(_Strict, JpegImagePlugin.JpegImageFile):
    """Refuses a JPEG that ends early, to which Pillow's own class would add an end marker."""


class _Png(_OwnOrientation, PngImagePlugin.PngImageFile):
    def load_read(self, read_bytes: int) -> bytes:
        """Return the next bytes of the pixels' data, which Pillow's own finds in chunks."""
        try:
            return _not_empty(super().load_read(read_bytes))
        except (struct.error, IndexError) as error:
            raise OSError(TRUNCATED) from error


def _not_empty(data: bytes) -> bytes:
    if not data:
        raise OSError(TRUNCATED)
    return data


def open_png(file: BytesIO) -> ImageFile.ImageFile:
    """Open a PNG, its transparent sample scaled to 8 bits as Pillow scales the others."""
    image = _Png(file)
    transparent = image.info.get("transparency")
    rawmode = image.tile[0].args
    if isinstance(transparent, int) and rawmode in {"L;2", "L;4"}:
        image.info["transparency"] = transparent * (85 if rawmode == "L;2" else 17)
    elif isinstance(transparent, tuple) and rawmode == "RGB;16B":
        image.info["transparency"] = tuple(sample >> 8 for sample in transparent)
    return image


def open_jpeg2000(file: BytesIO) -> ImageFile.ImageFile:
    """Open a JPEG 2000, whose decoder reads the file by itself.

    Raises:
        OSError: the file ends early.
    """
    from PIL import Jpeg2KImagePlugin

    if ImageFile.LOAD_TRUNCATED_IMAGES and jpeg2000_ends_early(file.getvalue()):
        raise OSError(TRUNCATED)
    return cast(
        "ImageFile.ImageFile", _with_own_orientation(Jpeg2KImagePlugin.Jpeg2KImageFile)(file)
    )


def open_avif(file: BytesIO) -> ImageFile.ImageFile:
    """Open an AVIF; one whose EXIF is broken, which Pillow refuses, without its EXIF."""
    from PIL import AvifImagePlugin

    opened = _with_own_orientation(AvifImagePlugin.AvifImageFile)
    try:
        return cast("ImageFile.ImageFile", opened(file))
    except SyntaxError:
        without = file.getvalue().replace(b"Exif", b"skip", 1)
        return cast("ImageFile.ImageFile", opened(BytesIO(without)))
