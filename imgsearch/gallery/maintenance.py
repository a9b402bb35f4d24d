"""Look after a gallery: say what is in it, remove, prune, relocate, export."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from imgsearch import paths
from imgsearch.duplicates import kept_scores
from imgsearch.errors import UsageError
from imgsearch.maps import map_cache
from imgsearch.regions import cache_files
from imgsearch.storage.embeddings import embeddings_of
from imgsearch.storage.known_roots import KnownRoots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.search.engine import SearchEngine
    from imgsearch.storage.database import Store
    from imgsearch.storage.records import Root


@dataclass(frozen=True, slots=True)
class RemovalReport:
    """What was taken out of a gallery, or what a dry run would take out.

    Attributes:
        files: how many files.
        contents: how many contents that no other file holds.
        named: how many of the files were named themselves, not by a folder above.
        before: how many files the gallery had.
        dry_run: whether nothing was written.
    """

    files: int
    contents: int
    named: int = 0
    before: int = 0
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class PruneReport:
    """How many contents and cache files were dropped, and the bytes that this freed."""

    contents: int
    caches: int
    bytes_freed: int


@dataclass(frozen=True, slots=True)
class RelocationReport:
    """Where a root lies now, or would after a dry run.

    Attributes:
        root: the root's new place.
        files: how many files the gallery has in it.
        found: how many of them are there.
        before: how many files the gallery has in all.
        dry_run: whether nothing was written.
    """

    root: Path
    files: int
    found: int
    before: int = 0
    dry_run: bool = False


def remove(store: Store, wanted: Sequence[Path], *, dry_run: bool = False) -> RemovalReport:
    """Take files, folders or whole roots out of the gallery, with the contents only they hold.

    The pictures on disk are not touched.

    Args:
        store: open for writing.
        wanted: absolute paths; symbolic links on the way are seen through.
        dry_run: only count.

    Raises:
        UsageError: a path under which the gallery has nothing; then nothing is removed.
    """
    files = named = 0
    gone: set[int] = set()
    with store.transaction(dry_run=dry_run):
        before = store.counts().files
        orphans = store.orphan_ids()
        known = KnownRoots(store.roots())
        for path in wanted:
            removed, left = 0, False
            for root, below in known.parts(path):
                if root.id in gone:
                    continue
                itself = store.file_id(root.id, below) is not None
                removed += store.remove_files(root.id, below)
                named += itself
                if not below:
                    store.remove_root(root.id)
                    gone.add(root.id)
                    left = True
            if not removed and not left:
                raise UsageError(f"{path}: the gallery has nothing there; its folders are {known}")
            files += removed
        contents = store.remove_orphans(keep=orphans)
    return RemovalReport(files, contents, named, before, dry_run)


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
    held = embeddings_of(store, folder)
    caches = engine.prune(folder, held) + map_cache.prune(folder, held)
    caches += cache_files.prune(folder, held) + kept_scores.prune(folder)
    store.compact()
    after = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    return PruneReport(contents, caches, max(0, before - after))


def relocate(store: Store, old: Path, new: Path, *, dry_run: bool = False) -> RelocationReport:
    """Tell the gallery that a photo folder lies elsewhere now. Nothing is read or embedded.

    Args:
        store: open for writing.
        old: absolute path of a root, or of a folder above several.
        new: where it lies now; it need not be there at the moment.
        dry_run: only look what is there.

    Raises:
        UsageError: no root lies there, or the new place belongs to another root.
    """
    with store.transaction(dry_run=dry_run):
        roots = store.roots()
        moving = [root for root in roots if root.path.is_relative_to(old)]
        if not moving:
            known = KnownRoots(roots)
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
        before = store.counts().files
    return RelocationReport(new, files, found, before, dry_run)


def _refuse_overlap(root: Root, others: Sequence[Root]) -> None:
    place = Path(os.path.realpath(root.path))
    for other in others:
        its_place = Path(os.path.realpath(other.path))
        if any(
            one == two
            or (root.recursive and two.is_relative_to(one))
            or (other.recursive and one.is_relative_to(two))
            for one, two in ((root.path, other.path), (place, its_place))
        ):
            raise UsageError(
                f"{root.path}: overlaps {other.path}, which is a folder of the gallery; "
                f"remove that first with `imgsearch remove`, or index {root.path} instead"
            )
