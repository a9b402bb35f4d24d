"""The part of the façade that looks at an image from outside, once, for questions that follow."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.errors import NotThereError
from imgsearch.gallery import arguments
from imgsearch.gallery.asking import Asking

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.images.exposure import Detail


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """What is to be known of an image's bytes.

    Attributes:
        content: their SHA-256, 64 hexadecimal digits.
        held: whether a file of the gallery has this content.
        width: pixels, as displayed.
        height: pixels, as displayed.
        format: such as "JPEG".
        embedding: under the recipe that queries use, (dim,), float32, of unit length; a query
            takes it in the image's place.
    """

    content: str
    held: bool
    width: int
    height: int
    format: str
    embedding: NDArray[np.float32]


class Examining(Asking):
    """What `Gallery` is besides indexing; not used by itself."""

    def examine(self, data: bytes) -> Examined:
        """Decode and embed an image, unless the gallery holds it.

        Args:
            data: the bytes of an image file.

        Raises:
            NoGalleryError: there is no gallery.
            UnreadableImageError: the bytes cannot be decoded.
        """
        from imgsearch.images.loading import load

        embeddings = self._held_to_query()
        content = hashlib.sha256(data).hexdigest()
        with self._connections.snapshot() as store:
            identifier, vector = embeddings.renewed().find(content)
            known = [] if identifier is None else [identifier]
            facts = next((found.metadata for found in store.contents(known).values()), None)
            held = any(store.files_of_contents(known).values())
        if facts is None or vector is None:
            recipe = embeddings.recipe
            loaded = load(data, size=recipe.size, resize=recipe.resize, decoder=recipe.decoder)
            facts = loaded.metadata
            vector = self._networks.of(recipe).embed(loaded.pixels[np.newaxis])[0]
        return Examined(content, held, facts.width, facts.height, facts.format, vector)

    def details(self, content: str) -> tuple[Detail, ...]:
        """Return how a photo was taken, as its file tells; nothing where no file is there.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: the gallery holds no such content.
        """
        from imgsearch.images.exposure import details_of
        from imgsearch.search.originals import read_content

        with self._connections.snapshot() as store:
            files = store.files_holding(content)
        try:
            return details_of(read_content(content, files))
        except NotThereError:
            return ()

    def rendering(self, data: bytes, *, longest: int = 1024) -> NDArray[np.uint8]:
        """Return an image from outside for showing it, as `image` does one of the gallery's.

        Args:
            data: the bytes of an image file.
            longest: of the longer side, in pixels; an image is never enlarged.

        Returns:
            Shape (height, width, 3), uint8, RGB.

        Raises:
            UnreadableImageError: the bytes cannot be decoded.
        """
        from imgsearch.images.loading import display

        return display(data, longest=arguments.whole_number("longest", longest))

    def ready(self) -> None:
        """Load what a question needs, so that the first one does not wait for it.

        Raises:
            NoGalleryError: there is no gallery.
            WeightsUnavailableError: the weights are no longer on this machine.
        """
        embeddings = self._held_to_query()
        self._networks.of(embeddings.recipe)
        with self._connections.snapshot():
            self._open_space(embeddings.renewed())
