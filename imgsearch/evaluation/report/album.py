"""The thumbnails embedded in a report: each once, and not too many."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch.evaluation.report.thumbnails import thumbnail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.evaluation.ground_truth.values import Item
    from imgsearch.evaluation.report.thumbnails import Thumbnail
    from imgsearch.evaluation.results import Strip

# At 2 to 5 kB each, the file stays below about ten megabytes.
MOST_IMAGES: Final = 2000


class Album:
    """The thumbnails of a report, each read once and known by a key."""

    def __init__(self, folder: str) -> None:
        """Start an empty album; files beneath the folder are named relative to it."""
        self._folder = Path(folder)
        self._keys: dict[Item, str] = {}
        self._thumbnails: dict[str, Thumbnail] = {}

    def take(self, strips: Sequence[Strip]) -> bool:
        """Read the images of some strips, and return whether there was room for them."""
        items = dict.fromkeys(
            item
            for strip in strips
            for item in (strip.query, *(match.item for match in strip.matches))
        )
        new = [item for item in items if item not in self._keys]
        if len(self._keys) + len(new) > MOST_IMAGES:
            return False
        for item in new:
            key = self._keys[item] = f"p{len(self._keys)}"
            small = thumbnail(item)
            if small is not None:
                self._thumbnails[key] = small
        return True

    @property
    def thumbnails(self) -> tuple[tuple[str, Thumbnail], ...]:
        """Key and thumbnail of every readable image."""
        return tuple(self._thumbnails.items())

    def key(self, item: Item) -> str | None:
        """Return the key of an item's thumbnail; None where it could not be read."""
        key = self._keys.get(item)
        return key if key in self._thumbnails else None

    def name(self, item: Item) -> str:
        """Return an item's path, and its edit."""
        path = item.path
        if path.is_relative_to(self._folder):
            path = path.relative_to(self._folder)
        return f"{os.fspath(path)} ({item.edit})" if item.edit else os.fspath(path)
