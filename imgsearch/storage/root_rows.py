"""Rows of roots: the folders that stored paths are relative to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.errors import GalleryDamagedError
from imgsearch.storage.known_roots import KnownRoots
from imgsearch.storage.reading import Reading
from imgsearch.storage.records import Root
from imgsearch.storage.typed_values import RootsById, RowTypes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ROOT_TYPES: Final = RowTypes("a root", (int,), (bytes,), (int,), (str,), (int,))


class RootRows(Reading):
    """The table *root*, over one connection."""

    def roots(self) -> list[Root]:
        """Return the registered folders, ordered by path."""
        return list(self.once("roots", self._read_roots))

    def roots_by_path(self) -> Mapping[Path, Root]:
        """Return the registered folders by their paths."""
        return self.once("roots by path", lambda: {root.path: root for root in self.roots()})

    def roots_by_id(self) -> Mapping[int, Root]:
        """Return the registered folders by row id."""
        return self.once("roots by id", lambda: RootsById({root.id: root for root in self.roots()}))

    def root_names(self) -> Mapping[int, bytes]:
        """Return the stored forms of the registered folders' paths, by row id."""
        return self.once(
            "names of roots",
            lambda: RootsById({root.id: paths.encode(root.path) for root in self.roots()}),
        )

    def known_roots(self) -> KnownRoots:
        """Return the registered folders by the places that they lie in on disk."""
        return self.once_a_snapshot("places of roots", lambda: KnownRoots(self.roots()))

    def _read_roots(self) -> list[Root]:
        rows = self.connection.execute(
            "SELECT id, path, recursive, exclude, follow_symlinks FROM root ORDER BY path"
        )
        return [
            Root(
                id=identifier,
                path=paths.decode(path),
                recursive=bool(recursive),
                exclude=_patterns(exclude),
                follow_symlinks=bool(follow_symlinks),
            )
            for identifier, path, recursive, exclude, follow_symlinks in map(
                _ROOT_TYPES.checked, rows
            )
        ]

    def add_root(self, path: Path, *, recursive: bool) -> Root:
        """Register a folder that is not registered yet."""
        cursor = self.connection.execute(
            "INSERT INTO root (path, recursive, exclude, follow_symlinks) VALUES (?, ?, '[]', 0)",
            (paths.encode(path), recursive),
        )
        return Root(id=cursor.lastrowid or 0, path=path, recursive=recursive)

    def update_root(self, root: Root) -> None:
        """Write a root's path and options."""
        self.connection.execute(
            "UPDATE root SET path = ?, recursive = ?, exclude = ?, follow_symlinks = ? "
            "WHERE id = ?",
            (
                paths.encode(root.path),
                root.recursive,
                json.dumps(root.exclude),
                root.follow_symlinks,
                root.id,
            ),
        )

    def absorb_root(self, inner: Root, outer: Root, below: bytes) -> None:
        """Move a root's files to the root that contains it, and delete the inner one.

        Args:
            inner: the root to delete.
            outer: the root that contains it.
            below: stored path of the inner root, relative to the outer one.
        """
        self.connection.execute(
            "UPDATE OR REPLACE file SET root_id = ?, path = CAST(? || path AS BLOB) "
            "WHERE root_id = ?",
            (outer.id, below + b"/" if below else b"", inner.id),
        )
        self.connection.execute("DELETE FROM root WHERE id = ?", (inner.id,))

    def remove_root(self, root_id: int) -> None:
        """Delete a root and its files from the gallery."""
        self.connection.execute("DELETE FROM root WHERE id = ?", (root_id,))


def _patterns(text: str) -> tuple[str, ...]:
    try:
        return tuple(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise GalleryDamagedError(
            f"the exclusion patterns of a root cannot be read ({error})"
        ) from error
