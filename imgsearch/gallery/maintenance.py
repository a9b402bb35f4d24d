"""Look after a gallery: say what is in it, remove, prune, relocate, export."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imgsearch import paths
from imgsearch.errors import UsageError
from imgsearch.storage.embeddings import embeddings_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgsearch.search.engine import SearchEngine
    from imgsearch.storage.database import Store
    from imgsearch.storage.records import Root


@dataclass(frozen=True, slots=True)
class RemovalReport:
    """How many files, and contents that no other file holds, were taken out."""

    files: int
    contents: int


@dataclass(frozen=True, slots=True)
class PruneReport:
    """How many contents and cache files were dropped, and the bytes that this freed."""

    contents: int
    caches: int
    bytes_freed: int


@dataclass(frozen=True, slots=True)
class RelocationReport:
    """The root's new place, how many files it has, and how many of them are there."""

    root: Path
    files: int
    found: int


def remove(store: Store, wanted: Sequence[Path]) -> RemovalReport:
    """Take files, folders or whole roots out of the gallery, with the contents only they hold.

    The pictures on disk are not touched.

    Args:
        store: open for writing.
        wanted: absolute paths.

    Raises:
        UsageError: a path under which the gallery has nothing; then nothing is removed.
    """
    files = contents = 0
    with store.transaction():
        orphans = store.orphan_ids()
        for path in wanted:
            removed, inner_roots = 0, 0
            for root in store.roots():
                below = paths.relative_to(path, root.path)
                if below is None and not root.path.is_relative_to(path):
                    continue
                removed += store.remove_files(root.id, below or b"")
                if not below:
                    store.remove_root(root.id)
                    inner_roots += 1
            if not removed and not inner_roots:
                known = ", ".join(str(root.path) for root in store.roots()) or "none"
                raise UsageError(f"{path}: the gallery has nothing there; its folders are {known}")
            files += removed
        contents = store.remove_orphans(keep=orphans)
    return RemovalReport(files, contents)


def prune(store: Store, folder: Path, engine: SearchEngine) -> PruneReport:
    """Drop contents that no file holds any more and caches that nobody needs; compact.

    Args:
        store: open for writing.
        folder: the gallery's folder.
        engine: what searches it.
    """
    before = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    with store.transaction():
        contents = store.remove_orphans()
    caches = engine.prune(folder, embeddings_of(store, folder))
    store.compact()
    after = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    return PruneReport(contents, caches, max(0, before - after))


def relocate(store: Store, old: Path, new: Path) -> RelocationReport:
    """Tell the gallery that a photo folder lies elsewhere now. Nothing is read or embedded.

    Args:
        store: open for writing.
        old: absolute path of a root, or of a folder above several.
        new: where it lies now; it need not be there at the moment.

    Raises:
        UsageError: no root lies there, or the new place belongs to another root.
    """
    with store.transaction():
        roots = store.roots()
        moving = [root for root in roots if root.path.is_relative_to(old)]
        if not moving:
            known = ", ".join(str(root.path) for root in roots) or "none"
            raise UsageError(f"{old}: no folder of the gallery; its folders are {known}")
        # The longest first: where `new` lies in `old`, one's new place may be another's old one.
        moving.sort(key=lambda root: len(root.path.parts), reverse=True)
        moved = [replace(root, path=new / root.path.relative_to(old)) for root in moving]
        staying = [root for root in roots if root not in moving]
        for root in moved:
            _refuse_overlap(root, staying)
            store.update_root(root)
        files = found = 0
        for root in moved:
            for path in store.file_paths(root.id):
                files += 1
                found += paths.join(paths.encode(root.path), path).exists()
    return RelocationReport(new, files, found)


def _refuse_overlap(root: Root, others: Sequence[Root]) -> None:
    for other in others:
        if (
            other.path == root.path
            or (root.recursive and other.path.is_relative_to(root.path))
            or (other.recursive and root.path.is_relative_to(other.path))
        ):
            raise UsageError(
                f"{root.path}: overlaps {other.path}, which is a folder of the gallery; "
                f"remove that first with `imgsearch remove`, or index {root.path} instead"
            )
