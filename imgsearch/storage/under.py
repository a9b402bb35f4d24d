"""Which files lie under a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgsearch.storage.database import Store
    from imgsearch.storage.known_roots import KnownRoots


def parts_under(path: Path, known: KnownRoots) -> list[tuple[int, bytes]]:
    """Return the parts of roots, by id and stored relative folder, that lie under a path.

    Raises:
        UsageError: none does.
    """
    parts = [(root.id, below) for root, below in known.parts(path)]
    if not parts:
        raise UsageError(f"under: {path} is not in the gallery, whose folders are {known}")
    return parts


class Under:
    """Says which files lie under one of several paths; under none given, all do."""

    def __init__(self, folders: Sequence[Path], store: Store) -> None:
        """Find the paths among the roots.

        Raises:
            UsageError: a path under which the gallery has nothing.
        """
        self._parts: set[tuple[int, bytes]] | None = None
        if folders:
            known = store.known_roots()
            self._parts = {part for folder in folders for part in parts_under(folder, known)}

    @property
    def is_open(self) -> bool:
        """Whether every file does."""
        return self._parts is None

    def holds(self, root_id: int, path: bytes) -> bool:
        """Whether a file, by its root's id and stored relative path, lies under one."""
        if self._parts is None or (root_id, path) in self._parts:
            return True
        while path:
            path = path.rpartition(b"/")[0]
            if (root_id, path) in self._parts:
                return True
        return False
