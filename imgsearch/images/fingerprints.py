"""What is kept of an image to tell later what it is the same as: a small rendering and a hash.

Both are made while the image is decoded anyway. The hash is the signs of the lowest frequencies of
a cosine transform (Zauner 2010, "Implementation and benchmarking of perceptual image hash
functions", with the sign in place of the median: an image's mirror images and quarter turns then
have hashes that follow from its own).
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

# Raised with whatever changes a rendering or a hash; the next run of `index` then makes all anew.
VERSION: Final = 1
# Longer side of a rendering in pixels.
SIDE: Final = 160
QUALITY: Final = 85
# What a rendering is, or was before.
CODECS: Final = ("JPEG", "WEBP")
# Pixels a side of what is transformed, and frequencies kept along each axis.
HASHED_SIDE: Final = 32
FREQUENCIES: Final = 8
HASH_BYTES: Final = FREQUENCIES * FREQUENCIES // 8


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is kept of an image.

    Attributes:
        rendering: the upright image in sRGB, as JPEG or as WebP, its longer side `SIDE` pixels, or
            its own size where that is less.
        hash: the 64 signs, row by row from the lowest frequency; bit 1 is not negative.
    """

    rendering: bytes
    hash: bytes


def fingerprint_of(rendering: Image.Image) -> Fingerprint:
    """Return what is kept of an image.

    Args:
        rendering: in RGB, its longer side at most `SIDE` pixels.
    """
    written = BytesIO()
    # Half as many bytes again as WebP's, in a tenth of the time: see `docs/design.md`.
    rendering.save(written, "JPEG", quality=QUALITY)
    return Fingerprint(written.getvalue(), hash_of(rendering))


def hash_of(rendering: Image.Image) -> bytes:
    """Return an image's perceptual hash, `HASH_BYTES` bytes."""
    from PIL import Image

    square = rendering.convert("L").resize((HASHED_SIDE, HASHED_SIDE), Image.Resampling.BOX)
    luma = np.asarray(square, np.float32)
    waves = _WAVES[:FREQUENCIES]
    signs = waves @ luma @ waves.T >= 0
    signs[0, 0] = True  # the mean, which is never negative and tells nothing
    return np.packbits(signs).tobytes()


def decoded(rendering: bytes) -> NDArray[np.uint8]:
    """Return a stored rendering's pixels: uint8 (height, width, 3), RGB.

    Raises:
        OSError: the bytes are damaged.
    """
    from PIL import Image

    with Image.open(BytesIO(rendering), formats=CODECS) as image:
        return np.array(image.convert("RGB"))


def _cosines(side: int) -> NDArray[np.float32]:
    """Return the rows of the discrete cosine transform (DCT-II), unscaled."""
    places = (np.arange(side) + 0.5) * np.pi / side
    rows: NDArray[np.float32] = np.cos(np.arange(side)[:, np.newaxis] * places).astype(np.float32)
    return rows


_WAVES: Final = _cosines(HASHED_SIDE)
