"""Images that are not files: Pillow's, and arrays of pixels, as the bytes of a lossless file."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from imgsearch.errors import UnreadableImageError, UsageError

_PNG_MODES = frozenset({"1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA"})
_TIFF_MODES = frozenset({"CMYK", "F", "LAB", "YCbCr"})
_PIXELS = 3  # dimensions of an array (height, width, 3)


def encoded(image: object) -> bytes | None:
    """Return an image of Pillow's, or an array, as the bytes of a file; None for anything else.

    Orientation, transparency and colour profile of Pillow's image stay with it.

    Args:
        image: of Pillow's, its present frame; or uint8 (height, width, 3), RGB in sRGB.

    Raises:
        UsageError: an array of another shape or type.
        UnreadableImageError: Pillow cannot read the image's pixels.
    """
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != _PIXELS or image.shape[2] != _PIXELS:
            raise UsageError(
                f"query: an array of {image.dtype} and shape {image.shape} is no image; give "
                "uint8 of shape (height, width, 3), or a vector of shape (dim,)"
            )
        if not image.size:
            raise UsageError(f"query: an array of shape {image.shape} has no pixels")
        image = Image.fromarray(np.ascontiguousarray(image))
    if not isinstance(image, Image.Image):
        return None
    file = io.BytesIO()
    try:
        if image.mode in _PNG_MODES:
            image.save(file, "PNG", compress_level=1, exif=image.getexif())
        elif image.mode in _TIFF_MODES:
            image.save(file, "TIFF", exif=image.getexif())
        else:
            flat = image.convert("RGBA" if "a" in image.mode else "RGB")
            flat.save(file, "PNG", compress_level=1, exif=image.getexif())
    except (OSError, ValueError, SyntaxError) as error:
        raise UnreadableImageError(f"an image of Pillow's cannot be read: {error}") from error
    return file.getvalue()
