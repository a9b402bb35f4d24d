"""Where files really lie, whatever way there and whatever spelling of a name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from imgsearch.paths import Listings

if TYPE_CHECKING:
    from collections.abc import Iterable


class Places:
    """Tells where files lie once links to folders are followed; asks of no folder twice."""

    def __init__(self) -> None:
        self._listings = Listings()
        self._folders: dict[Path, Path] = {}

    def folder(self, path: Path) -> Path:
        """Return where a folder lies, links followed, each name as its folder lists it."""
        if path not in self._folders:
            self._folders[path] = self._listings.spelled(Path(os.path.realpath(path)))
        return self._folders[path]

    def of(self, path: Path) -> Path:
        """Return where a file lies; the last name is not followed if it is a link."""
        folder = self.folder(path.parent)
        return folder / self._listings.name_in(folder, path.name)

    def first_above(self, path: Path, folders: Iterable[Path]) -> Path | None:
        """Return the first of some folders that a file lies in, by name or in truth."""
        place = self.of(path)
        for folder in folders:
            if path.is_relative_to(folder) or place.is_relative_to(self.folder(folder)):
                return folder
        return None

    def is_direct(self, path: Path, root: Path) -> bool:
        """Whether no link leads from a root to a file in it, nor is the file one."""
        if not path.is_relative_to(root) or path == root:
            return False
        direct = self.folder(root) / path.relative_to(root)
        return self.of(path) == direct and not path.is_symlink()
