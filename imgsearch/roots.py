"""Which photo folders the gallery has, and what of them a run is asked to scan."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imgsearch import paths
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from imgsearch.store import Root, Store


@dataclass(frozen=True, slots=True)
class ScanTarget:
    """A part of a root that a run scans.

    Attributes:
        root: the photo folder.
        below: stored relative path of the folder or file to scan; b"" for all of it.
        absent: whether the root is not there: its files stay and are not looked for.
    """

    root: Root
    below: bytes
    absent: bool


def is_absent(store: Store, root: Root) -> bool:
    """Whether a root is not there now.

    The empty folder that an unplugged drive leaves at its mount point counts as absent when
    the gallery knows files in it: taking it at its word would empty the gallery.
    """
    try:
        with os.scandir(root.path) as listing:
            is_empty = next(listing, None) is None
    except OSError:
        return True
    return is_empty and store.file_count(root.id) > 0


def register(
    store: Store,
    wanted: Iterable[Path],
    *,
    exclude: tuple[str, ...] = (),
    follow_symlinks: bool | None = None,
) -> list[ScanTarget]:
    """Make sure that every path lies in a root, and return what is to be scanned.

    A folder that lies in no root becomes one, and takes in the roots within it. A file that
    lies in no root gets its folder as a root of single files.

    Args:
        store: in a transaction.
        wanted: absolute paths of folders and files; none for every root.
        exclude: glob patterns that replace those remembered; empty ones are dropped.
        follow_symlinks: replaces what is remembered; None keeps it.

    Raises:
        UsageError: a path that neither exists nor belongs to a root.
    """
    targets: list[tuple[int, bytes]] = []
    asked = sorted(set(wanted))
    if not asked:
        targets = [(root.id, b"") for root in store.roots()]
    for path in asked:
        root, below = _locate(store, path)
        if exclude or follow_symlinks is not None:
            root = replace(
                root,
                exclude=tuple(glob for glob in exclude if glob) if exclude else root.exclude,
                follow_symlinks=root.follow_symlinks
                if follow_symlinks is None
                else follow_symlinks,
            )
            store.update_root(root)
        if not any(
            known == root.id and (above in (b"", below) or below.startswith(above + b"/"))
            for known, above in targets
        ):
            targets.append((root.id, below))
    by_id = {root.id: root for root in store.roots()}
    absent = {identifier: is_absent(store, by_id[identifier]) for identifier, _ in targets}
    return [
        ScanTarget(by_id[identifier], below, absent[identifier]) for identifier, below in targets
    ]


def _locate(store: Store, path: Path) -> tuple[Root, bytes]:
    roots = store.roots()
    is_folder = path.is_dir()
    for root in roots:
        below = paths.relative_to(path, root.path)
        if below is None or not (root.recursive or below):
            continue
        if root.recursive or not is_folder:
            return root, below
    if is_folder:
        outer = next((root for root in roots if root.path == path), None)
        outer = replace(outer, recursive=True) if outer else store.add_root(path, recursive=True)
        store.update_root(outer)
        for inner in roots:
            if inner.id != outer.id and inner.path.is_relative_to(path):
                store.absorb_root(inner, outer)
        return outer, b""
    if not path.exists():
        raise UsageError(
            f"{path}: no such file or folder, and no folder of the gallery contains it"
        )
    folder = next((root for root in roots if root.path == path.parent), None)
    return folder or store.add_root(path.parent, recursive=False), os.fsencode(path.name)
