"""Images that were sent to be asked about: kept in memory for a while, never written."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from imgsearch.images.thumbnails import encode_jpeg, encode_png
from imgsearch.web.refusals import RefusalError
from imgsearch.web.thumbnails import mean_colour

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.gallery.examining import Examined
    from imgsearch.gallery.gallery import Gallery

MOST_BYTES: Final = 100_000_000
MOST_KEPT: Final = 32
KEPT_SECONDS: Final = 3600.0
LONGEST: Final = 1600
"""Pixels of the longer side of the rendering that is kept: parts of the picture are cut from it."""
QUALITY: Final = 95


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """An upload as it is shown, and as its parts are asked about.

    Attributes:
        data: the file of an image, PNG where the upload is no larger, else JPEG.
        media_type: of it.
        colour: mean colour, 0xRRGGBB.
    """

    data: bytes
    media_type: str
    colour: int


@dataclass(eq=False)
class Upload:
    """An image that was sent.

    Attributes:
        name: opaque id.
        examined: what is known of it, its embedding among that.
        recipe: identifier of the recipe of that embedding.
        rendering: once it is drawn.
        used: moment of the last use, as `time.monotonic` counts.
    """

    name: str
    examined: Examined
    recipe: str
    rendering: Future[Rendering]
    used: float
    _others: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def embedding(self, recipe: str, gallery: Gallery) -> NDArray[np.float32]:
        """Return the embedding under a recipe, `(dim,)`; under another one, that of the rendering.

        Args:
            recipe: its identifier.
            gallery: opened under it.
        """
        if recipe == self.recipe:
            return self.examined.embedding
        if recipe not in self._others:
            self._others[recipe] = gallery.examine(self.rendering.result().data).embedding
        return self._others[recipe]


def render(gallery: Gallery, data: bytes, examined: Examined) -> Rendering:
    """Draw what is kept of an image's bytes.

    Raises:
        UnreadableImageError: they cannot be decoded.
    """
    pixels = gallery.rendering(data, longest=LONGEST)
    colour = mean_colour(pixels)
    if max(examined.width, examined.height) <= LONGEST:
        return Rendering(encode_png(pixels), "image/png", colour)
    return Rendering(encode_jpeg(pixels, quality=QUALITY), "image/jpeg", colour)


class Uploads:
    """Keeps the latest, each until nobody has used it for an hour."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Upload] = OrderedDict()

    def add(self, examined: Examined, recipe: str, rendering: Future[Rendering]) -> Upload:
        """Keep an image; the one that was not used for longest makes room."""
        name = secrets.token_urlsafe(16)
        upload = Upload(name, examined, recipe, rendering, self._clock())
        with self._lock:
            self._expire()
            self._kept[name] = upload
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return upload

    def get(self, name: str) -> Upload:
        """Return an image.

        Raises:
            RefusalError: it is not kept any more, or never was.
        """
        with self._lock:
            self._expire()
            upload = self._kept.get(name)
            if upload is None:
                raise RefusalError(
                    410, "upload-gone", "the picture is no longer kept; send it again"
                )
            upload.used = self._clock()
            self._kept.move_to_end(name)
            return upload

    def drop(self, name: str) -> None:
        """Forget an image.

        Raises:
            RefusalError: it is not kept.
        """
        self.get(name)
        with self._lock:
            self._kept.pop(name, None)

    def _expire(self) -> None:
        oldest = self._clock() - KEPT_SECONDS
        for name in [name for name, upload in self._kept.items() if upload.used < oldest]:
            del self._kept[name]
