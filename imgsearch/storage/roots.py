"""Registering roots, and choosing what of them a run scans."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imgsearch import paths
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from imgsearch.storage.database import Store
    from imgsearch.storage.records import Root


@dataclass(frozen=True, slots=True)
class ScanTarget:
    """A part of a root that a run scans.

    Attributes:
        below: stored relative path of the folder or file to scan; b"" for all of it.
        absent: whether the root is offline: its files stay in the gallery and are not scanned.
    """

    root: Root
    below: bytes
    absent: bool


def is_absent(store: Store, root: Root) -> bool:
    """Whether a root is offline.

    An empty folder, such as an unplugged drive leaves at its mount point, counts as absent if
    the gallery has files in it: otherwise all of them would be removed.
    """
    return not root.online and (
        not os.path.isdir(root.path) or store.file_count(root.id) > 0  # noqa: PTH112 - never raises
    )


def register(
    store: Store,
    wanted: Iterable[Path],
    *,
    exclude: tuple[str, ...] = (),
    follow_symlinks: bool | None = None,
) -> list[ScanTarget]:
    """Make sure that every path lies in a root, and return what is to be scanned.

    A folder that lies in no root becomes one, and absorbs the roots within it that are online.
    For a file that lies in no root, its folder becomes a root of single files.

    Args:
        store: in a transaction.
        wanted: absolute paths of folders and files; none for every root.
        exclude: glob patterns that replace the stored ones; empty ones are dropped.
        follow_symlinks: replaces the stored option; None keeps it.

    Raises:
        UsageError: a path that neither exists nor lies in a root.
    """
    asked = sorted(set(wanted))
    located = [_locate(store, path) for path in asked] if asked else _every_root(store)
    targets: list[tuple[int, bytes]] = []
    for root, below in located:
        if exclude or follow_symlinks is not None:
            changed = replace(
                root,
                exclude=tuple(glob for glob in exclude if glob) if exclude else root.exclude,
                follow_symlinks=root.follow_symlinks
                if follow_symlinks is None
                else follow_symlinks,
            )
            store.update_root(changed)
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


def _every_root(store: Store) -> list[tuple[Root, bytes]]:
    for root in store.roots():
        _absorb_inner(store, root)
    return [(root, b"") for root in store.roots()]


def _locate(store: Store, path: Path) -> tuple[Root, bytes]:
    for root in store.roots():
        if path.is_relative_to(root.path):
            _absorb_inner(store, root)
    roots = {root.path: root for root in store.roots()}
    for folder in (path, *path.parents):
        if folder in roots and roots[folder].recursive:
            return roots[folder], paths.relative_to(path, folder) or b""
    if path.is_dir():
        known = roots.get(path)
        root = replace(known, recursive=True) if known else store.add_root(path, recursive=True)
        store.update_root(root)
        _absorb_inner(store, root)
        return root, b""
    if path in roots:
        return roots[path], b""  # a root of single files, offline
    if path.parent not in roots and not path.exists():
        raise UsageError(
            f"{path}: no such file or folder, and no folder of the gallery contains it"
        )
    root = roots.get(path.parent) or store.add_root(path.parent, recursive=False)
    return root, os.fsencode(path.name)


def _absorb_inner(store: Store, outer: Root) -> None:
    """Absorb the roots within a root, except absent ones.

    A scan of the outer root would find their files missing, though they are only offline.
    """
    if not outer.recursive:
        return
    for inner in store.roots():
        within = inner.id != outer.id and inner.path.is_relative_to(outer.path)
        if within and not is_absent(store, inner):
            store.absorb_root(inner, outer)
