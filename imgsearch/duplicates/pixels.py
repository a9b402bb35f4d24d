"""Whether two contents decode to the very same pixels."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import UnreadableImageError
from imgsearch.images import fingerprints

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgsearch.storage.records import Content

# Levels by which renderings of the same pixels may differ on the whole: a reduced JPEG's are made
# of fewer pixels than a PNG's of the same picture.
SAME_RENDERING: Final = 1.5
_WHOLE: Final = 1 << 30


class PixelDigests:
    """Digests of decoded pixels, each made once."""

    def __init__(
        self, read: Callable[[str], bytes], rendering: Callable[[int], bytes | None]
    ) -> None:
        """Say where bytes and renderings come from.

        Args:
            read: from a content's hash to its bytes; raises `UnreadableImageError`.
            rendering: from a content's id to its rendering as it is stored.
        """
        self._read = read
        self._rendering = rendering
        self._known: dict[str, str | None] = {}

    def same(self, one: Content, other: Content) -> bool:
        """Whether two contents have the same pixels, upright and in sRGB.

        They are only decoded where their sizes and renderings let that be so. Files that are not
        there tell nothing.
        """
        first, second = one.metadata, other.metadata
        if (first.width, first.height) != (second.width, second.height):
            return False
        if not self._may_be_same(one.id, other.id):
            return False
        digest = self._digest(one.hash)
        return digest is not None and digest == self._digest(other.hash)

    def _may_be_same(self, one: int, other: int) -> bool:
        encoded = self._rendering(one), self._rendering(other)
        if encoded[0] is None or encoded[1] is None:
            return False
        if encoded[0] == encoded[1]:
            return True
        first, second = (fingerprints.decoded(each) for each in encoded if each is not None)
        if first.shape != second.shape:
            return False
        return float(np.abs(first.astype(np.int16) - second).mean()) <= SAME_RENDERING

    def _digest(self, content_hash: str) -> str | None:
        from imgsearch.images import loading

        if content_hash not in self._known:
            try:
                pixels = loading.display(self._read(content_hash), longest=_WHOLE)
                digest = hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()
            except UnreadableImageError:
                digest = None
            self._known[content_hash] = digest
        return self._known[content_hash]
