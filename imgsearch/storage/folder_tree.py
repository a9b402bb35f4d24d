"""The folders that files of a gallery lie in, one level at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgsearch import paths
from imgsearch.storage.known_roots import KnownRoots
from imgsearch.storage.typed_values import RootsById
from imgsearch.storage.under import parts_under

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from imgsearch.storage.database import Store


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with pictures in it or beneath.

    Attributes:
        path: absolute path.
        contents: how many different contents lie in it and beneath.
        children: how many folders with pictures lie in it directly.
        online: whether its photo folder is there now.
    """

    path: Path
    contents: int
    children: int
    online: bool


def folders(store: Store, under: Path | None) -> tuple[Folder, ...]:
    """Return the folders that lie directly in one, by path; the roots without one.

    Args:
        store: in a snapshot.
        under: absolute path of a folder.

    Raises:
        UsageError: the gallery has nothing under that path.
    """
    roots = RootsById({root.id: root for root in store.roots()})
    if under is None:
        return tuple(
            _summed(root.path, _rows(store, root.id, b""), b"", online=root.online)
            for root in roots.values()
        )
    found = []
    for identifier, below in parts_under(under, KnownRoots(roots.values())):
        root = roots[identifier]
        inner: dict[bytes, list[tuple[bytes, int]]] = {}
        start = len(below) + 1 if below else 0
        for path, content_id in _rows(store, identifier, below):
            name, slash, _ = path[start:].partition(b"/")
            if slash:
                inner.setdefault(path[:start] + name, []).append((path, content_id))
        place, online = paths.encode(root.path), root.online
        found += [
            _summed(paths.join(place, folder), rows, folder, online=online)
            for folder, rows in inner.items()
        ]
    return tuple(sorted(found, key=lambda folder: paths.encode(folder.path)))


def _rows(store: Store, root_id: int, below: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield stored paths and content ids of the files beneath a folder of a root."""
    yield from store.connection.execute(
        "SELECT path, content_id FROM file "
        "WHERE root_id = ? AND path >= ? AND path < ? AND content_id IS NOT NULL",
        (root_id, *paths.beneath(below)),
    )


def _summed(path: Path, rows: Iterable[tuple[bytes, int]], below: bytes, *, online: bool) -> Folder:
    contents, children = set(), set()
    start = len(below) + 1 if below else 0
    for stored, content_id in rows:
        contents.add(content_id)
        name, slash, _ = stored[start:].partition(b"/")
        if slash:
            children.add(name)
    return Folder(path, len(contents), len(children), online)
