"""What a decoder is given and what it returns, and the limits that it has to keep.

Images that are decoded at the same time take at most `memory.SHARED_MEMORY` bytes together; an
image waits for its turn. One that would take more is decoded alone, and one that would take more
than `memory.MOST_MEMORY` is refused. To that come the files' own bytes, at most 2 GiB each.

A decoder is a function `decode(data, row, needed, turn) -> Decoded`:

- `data`: the bytes of a whole file; `row`: its format, a `formats.Format`.
- `needed`: from the image's displayed size to the least size at which all of it must be decoded.
  A decoder that can decode at a reduced scale calls it; others need not.
- `turn`: is passed on to `admit`, once the size is known and before the pixels are decoded.

It may raise anything: `refusals.refusing` makes a reason of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UnreadableImageError
from imgsearch.images.geometry import Box, Size, whole
from imgsearch.images.memory import MOST_MEMORY, InUse

if TYPE_CHECKING:
    from contextlib import ExitStack

    from PIL import Image

    from imgsearch.images.metadata import Metadata

MAX_DECODED_PIXELS: Final = 250_000_000
# Pillow's four, and as many again for what alpha or a depth above 8 bits is converted to.
PIXEL_BYTES: Final = 8

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

    @property
    def is_reduced(self) -> bool:
        """Whether the image was decoded at a reduced scale."""
        return self.image.width < self.metadata.width or self.image.height < self.metadata.height

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


def admit(size: Size, kind: str, turn: ExitStack, *, pixel_bytes: int = PIXEL_BYTES) -> None:
    """Refuse what is too large; let images wait until there is memory for them.

    Args:
        size: width and height that are about to be decoded.
        kind: the format's name, for the message.
        turn: left once the image has been resized.
        pixel_bytes: memory that decoding takes for each pixel, at its peak.

    Raises:
        UnreadableImageError: the image has more than 250 megapixels, or would take more than
            4 GiB.
    """
    check_pixels(size, kind)
    amount = math.prod(size) * pixel_bytes
    if amount > MOST_MEMORY:
        raise UnreadableImageError(
            f"too large: decoding this {kind} of {size[0]} x {size[1]} pixels would take "
            f"{amount / 1e9:.1f} GB, the limit is {MOST_MEMORY / 1e9:.1f} GB"
        )
    InUse.memory.take(amount)
    turn.callback(InUse.memory.give_back)


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
