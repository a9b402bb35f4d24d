"""What a decoder is given and what it returns, and the limits that it has to keep.

A decoder is a function `decode(data, row, needed, turn) -> Decoded`:

- `data`: the bytes of a whole file; `row`: its format, a `formats.Format`.
- `needed`: from the image's displayed size to the least size at which all of it must be decoded.
  A decoder that can decode at a reduced scale calls it; others need not.
- `turn`: is passed on to `admit`, once the size is known and before the pixels are decoded.

It may raise anything: `refusals.refusing` makes a reason of it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UnreadableImageError
from imgsearch.images.geometry import Box, Size, whole

if TYPE_CHECKING:
    from contextlib import ExitStack

    from PIL import Image

    from imgsearch.images.metadata import Metadata

MAX_DECODED_PIXELS: Final = 250_000_000
# Above this, one image at a time is decoded, so that threads do not add up their peaks.
GIANT_PIXELS: Final = 50_000_000

_GIANT: Final = threading.RLock()

# Raises `UsageError` for a crop that reaches beyond the image.
Needed = Callable[[Size], Size]


@dataclass(frozen=True, slots=True)
class Decoded:
    """An image as displayed, perhaps smaller than it is.

    Attributes:
        image: upright, in any mode.
        metadata: of the full image.
        profile: embedded ICC profile.
        area: which part of `image` is the file's image; `None` for all of it. A reduced JPEG may
            hold a fraction of a pixel of padding at the edges that were its right and bottom.
    """

    image: Image.Image
    metadata: Metadata
    profile: bytes | None = None
    area: Box | None = None

    def locate(self, box: Box) -> Box:
        """Return where in `image` lies what `box` is in pixels of the full image."""
        left, top, right, bottom = self.area or whole(self.image.size)
        across = (right - left) / self.metadata.width
        down = (bottom - top) / self.metadata.height
        return (
            left + box[0] * across,
            top + box[1] * down,
            left + box[2] * across,
            top + box[3] * down,
        )


def admit(size: Size, kind: str, turn: ExitStack) -> None:
    """Refuse what is too large; let giants wait for each other until `turn` is over.

    Args:
        size: width and height that are about to be decoded.
        kind: the format's name, for the message.
        turn: left once the image has been resized.

    Raises:
        UnreadableImageError: the image has more than 250 megapixels.
    """
    check_pixels(size, kind)
    if math.prod(size) > GIANT_PIXELS:
        turn.enter_context(_GIANT)


def check_pixels(size: Size, kind: str, *, limit: int = MAX_DECODED_PIXELS) -> None:
    """Refuse an image of more pixels than the limit.

    Raises:
        UnreadableImageError: it has more.
    """
    if math.prod(size) > limit:
        raise UnreadableImageError(
            f"too large: this {kind} has {size[0]} x {size[1]} pixels, the limit is "
            f"{limit // 1_000_000} megapixels"
        )
