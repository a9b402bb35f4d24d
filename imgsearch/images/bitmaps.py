"""Windows bitmaps with Pillow, which lacks those of unusual colour masks."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from PIL import BmpImagePlugin, Image

from imgsearch.images.decoding import check_pixels
from imgsearch.images.refusals import TRUNCATED
from imgsearch.images.strict_pillow import made_strict

if TYPE_CHECKING:
    from io import BytesIO

    from numpy.typing import NDArray
    from PIL import ImageFile

_FILE_HEADER: Final = 14
_INFO_HEADER: Final = 40
_WITH_ALPHA: Final = 56
_DEPTHS: Final = {16: "<u2", 32: "<u4"}


def open_bitmap(file: BytesIO) -> ImageFile.ImageFile:
    """Open a bitmap with or without its file header, and decode one with unusual masks.

    Raises:
        UnreadableImageError: one that is decoded here is too large.
        OSError: it ends early, or is of a kind that nothing here reads.
    """
    data = file.getvalue()
    headed = data.startswith(b"BM")
    plain = BmpImagePlugin.BmpImageFile if headed else BmpImagePlugin.DibImageFile
    try:
        return cast("ImageFile.ImageFile", made_strict(plain)(file))
    except OSError as error:
        if "bitfields layout" not in str(error):
            raise
    return cast("ImageFile.ImageFile", _with_masks(data, _FILE_HEADER if headed else 0))


def _with_masks(data: bytes, start: int) -> Image.Image:
    """Decode BI_BITFIELDS of 16 or 32 bits, whatever its masks are (BITMAPV4HEADER).

    Args:
        data: the whole file.
        start: where the information header begins.
    """
    header, width, height, _, depth = struct.unpack_from("<LllHH", data, start)
    dtype = _DEPTHS.get(depth)
    if dtype is None or width <= 0 or not height:
        raise OSError("Unsupported BMP bitfields layout")
    check_pixels((width, abs(height)), "BMP")
    masks = struct.unpack_from("<4L", data, start + _INFO_HEADER)
    place = start + max(header, _INFO_HEADER + 12)
    if start:
        (place,) = struct.unpack_from("<L", data, 10)
    stride = (width * depth + 31) // 32 * 4
    if place + stride * abs(height) > len(data):
        raise OSError(TRUNCATED)
    rows = np.frombuffer(data, np.uint8, stride * abs(height), place).reshape(abs(height), stride)
    pixels = np.ascontiguousarray(rows[:, : width * depth // 8]).view(dtype)
    if height > 0:
        pixels = pixels[::-1]
    channels = [_channel(pixels, mask) for mask in masks[:3]]
    if header >= _WITH_ALPHA and masks[3]:
        alpha = _channel(pixels, masks[3])
        if alpha.any():
            channels.append(alpha)
    return Image.fromarray(np.stack(channels, axis=-1))


def _channel(pixels: NDArray[Any], mask: int) -> NDArray[np.uint8]:
    """Return what a mask selects of each pixel, scaled to 8 bits."""
    if not mask:
        return np.zeros(pixels.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    highest = mask >> shift
    values = (pixels & pixels.dtype.type(mask & (256**pixels.dtype.itemsize - 1))) >> shift
    return np.asarray((values.astype(np.uint64) * 255 + highest // 2) // highest, np.uint8)
