"""Finding a path among the roots, whatever its way there: by its name, or through symbolic links.

All of a gallery's roots are looked at once, so that a question costs the same with one root and
with thousands.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.addresses import Address

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from imgsearch.storage.records import Root

_NAMED: Final = 5


class KnownRoots:
    """The roots of a gallery, by the places that they lie in."""

    def __init__(self, roots: Collection[Root]) -> None:
        self._roots = roots
        self._listings = paths.Listings()
        self._places: dict[Path, Path] = {}
        named = [(root.path, root) for root in roots]
        self._by_name = _Sorted(named)
        self._by_place = _Sorted([(self._place(path), root) for path, root in named])

    def parts(self, path: Path) -> list[tuple[Root, bytes]]:
        """Return what of the gallery lies at an absolute path and beneath.

        Returns:
            Roots, and for each the stored relative folder or file; b"" for all of it. None if
            the gallery has nothing to do with the path.
        """
        found = {(root.id, below): (root, below) for root, below in self._found(path)}
        whole = {identifier for identifier, below in found if not below}
        return [part for key, part in found.items() if not key[1] or key[0] not in whole]

    def _found(self, path: Path) -> Iterator[tuple[Root, bytes]]:
        place = self._place(path)
        yield from self._by_name.above(path)
        yield from self._by_place.above(place)
        # A root that follows a link knows what lies behind it by the link's name.
        for folder in path.parents:
            for root in self._by_place.at(self._place(folder)):
                yield root, paths.relative_to(path, folder) or b""
        for root in (*self._by_name.below(path), *self._by_place.below(place)):
            yield root, b""

    def _place(self, path: Path) -> Path:
        if isinstance(path, Address):
            return path
        if path not in self._places:
            self._places[path] = self._listings.spelled(Path(os.path.realpath(path)))
        return self._places[path]

    def __str__(self) -> str:
        """Name the roots in a message, the first few of many."""
        shown = ", ".join(str(root.path) for root in list(self._roots)[:_NAMED]) or "none"
        more = len(self._roots) - _NAMED
        return f"{shown} and {more:,} more, see `imgsearch info`" if more > 0 else shown


class _Sorted:
    """Roots by path, and by what lies beneath a path."""

    def __init__(self, roots: Collection[tuple[Path, Root]]) -> None:
        self._at: dict[Path, list[Root]] = {}
        for path, root in roots:
            self._at.setdefault(path, []).append(root)
        self._keys = sorted((paths.encode(path), root.id) for path, root in roots)
        self._by_id = {root.id: root for _, root in roots}

    def at(self, path: Path) -> list[Root]:
        return self._at.get(path, [])

    def above(self, path: Path) -> Iterator[tuple[Root, bytes]]:
        for folder in (path, *path.parents):
            for root in self.at(folder):
                yield root, paths.relative_to(path, folder) or b""

    def below(self, path: Path) -> list[Root]:
        first, last = paths.beneath(paths.encode(path).rstrip(b"/"))
        start, end = bisect_left(self._keys, (first, 0)), bisect_left(self._keys, (last, 0))
        return [self._by_id[identifier] for _, identifier in self._keys[start:end]]
