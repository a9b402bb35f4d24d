"""In which root of a gallery a listed path lies."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from imgsearch.errors import UsageError
from imgsearch.exchange.seeing import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgsearch.storage.records import Root


class Places(dict[bytes, Place]):
    """The places of absolute paths, found as they are asked for; each folder is looked at once."""

    def __init__(self, roots: Mapping[bytes, Root]) -> None:
        super().__init__()
        self._roots = roots
        self._folders: dict[bytes, tuple[Root, bytes]] = {}

    def __missing__(self, path: bytes) -> Place:
        folder, _, name = path.rpartition(b"/")
        if folder not in self._folders:
            self._folders[folder] = self._find(folder)
        root, below = self._folders[folder]
        return Place(root, b"/".join(filter(None, (below, name))))

    def _find(self, folder: bytes) -> tuple[Root, bytes]:
        place, below = folder, b""
        while (root := self._roots.get(place or b"/")) is None:
            if not place:
                raise UsageError(
                    f"{os.fsdecode(folder)}: in none of the folders that the export names"
                )
            place, _, name = place.rpartition(b"/")
            below = b"/".join(filter(None, (name, below)))
        return root, below
