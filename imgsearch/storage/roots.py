"""Registering roots, and choosing what of them a run scans."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from imgsearch import paths
from imgsearch.addresses import Address
from imgsearch.errors import UsageError
from imgsearch.images import formats
from imgsearch.storage import address_roots

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from imgsearch.storage.database import Store
    from imgsearch.storage.records import Root


@dataclass(frozen=True, slots=True)
class MergedPath:
    """A path that leads into a root by another way than the root's name.

    Attributes:
        path: as it was named, or as it was a root before.
        known: the same place as the gallery knows it.
    """

    path: Path
    known: Path


@dataclass(frozen=True, slots=True)
class ScanTarget:
    """A part of a root that a run scans.

    Attributes:
        below: stored relative path of the folder or file to scan; b"" for all of it.
        absent: whether the root is offline: its files stay in the gallery and are not scanned.
        merged: paths that were found to lead into the root.
    """

    root: Root
    below: bytes
    absent: bool
    merged: tuple[MergedPath, ...] = ()


def is_absent(store: Store, root: Root) -> bool:
    """Whether a root is offline.

    An empty folder, such as an unplugged drive leaves at its mount point, counts as absent if
    the gallery has files in it: otherwise all of them would be removed. A folder that may not be
    listed is not absent: scanning it says why.
    """
    if root.online or root.refusal:
        return False
    return not os.path.isdir(root.path) or store.file_count(root.id) > 0  # noqa: PTH112 - never raises


def register(
    store: Store,
    wanted: Iterable[Path],
    *,
    exclude: tuple[str, ...] = (),
    follow_symlinks: bool | None = None,
) -> list[ScanTarget]:
    """Make sure that every path lies in a root, and return what is to be scanned.

    A folder that lies in no root becomes one, and absorbs the roots within it that are online.
    For a file that lies in no root, its folder becomes a root of single files. A path that leads
    into a root by a symbolic link, a second mount or another spelling counts as a part of it.

    Args:
        store: in a transaction.
        wanted: absolute paths of folders and files; none for every root.
        exclude: glob patterns that replace the stored ones; empty ones are dropped.
        follow_symlinks: replaces the stored option; None keeps it.

    Raises:
        UsageError: a path that neither exists nor lies in a root.
    """
    asked = sorted(set(wanted))
    elsewhere = [
        address_roots.locate(store, path, formats.suffixes())
        for path in asked
        if isinstance(path, Address)
    ]
    book = _Registration(store)
    book.absorb()
    located = [book.locate(path) for path in asked if not isinstance(path, Address)]
    if asked:
        book.absorb()
        located = [book.outermost(root, below) for root, below in located] + elsewhere
    else:
        located = [(root, b"") for root in store.roots()]
    roots = {root.id: root for root, _ in located}
    if exclude or follow_symlinks is not None:
        for root in roots.values():
            roots[root.id] = replace(
                root,
                exclude=tuple(glob for glob in exclude if glob) if exclude else root.exclude,
                follow_symlinks=root.follow_symlinks
                if follow_symlinks is None
                else follow_symlinks,
            )
            store.update_root(roots[root.id])
    parts = dict.fromkeys((root.id, below) for root, below in located)
    return [
        ScanTarget(
            roots[identifier],
            below,
            book.is_absent(roots[identifier]),
            tuple(book.merged.get(identifier, ())),
        )
        for identifier, below in parts
        if not any((identifier, folder) in parts for folder in _folders_above(below))
    ]


def _folders_above(below: bytes) -> Iterator[bytes]:
    while below:
        below = below.rpartition(b"/")[0]
        yield below


class _Registration:
    """The roots as they are while paths are registered; each is looked at once.

    Attributes:
        merged: by root id, the paths that were found to lead into it.
    """

    def __init__(self, store: Store) -> None:
        self.merged: dict[int, list[MergedPath]] = {}
        self._store = store
        self._listings = paths.Listings()
        self._roots = {root.path: root for root in store.roots() if not root.is_address}
        self._absent: dict[int, bool] = {}
        self._real: dict[Path, Path] = {}
        self._identities: dict[Path, tuple[int, int] | None] = {}
        self._by_identity: dict[tuple[int, int] | Path, Root] = {}
        self._absorbed: dict[int, tuple[Root, bytes]] = {}
        for root in self._roots.values():
            self._note(root)

    def is_absent(self, root: Root) -> bool:
        if root.id not in self._absent:
            self._absent[root.id] = is_absent(self._store, root)
        return self._absent[root.id]

    def outermost(self, root: Root, below: bytes) -> tuple[Root, bytes]:
        """Return a part of a root as a part of the root that absorbed it, if one did."""
        while root.id in self._absorbed:
            root, folder = self._absorbed[root.id]
            below = b"/".join(filter(None, (folder, below)))
        return self._roots[root.path], below

    def locate(self, path: Path) -> tuple[Root, bytes]:
        """Return the root that a path lies in, a new one if need be, and the part of it.

        Raises:
            UsageError: a path that neither exists nor lies in a root.
        """
        path = self._listings.spelled(path)
        is_folder = path.is_dir()
        for folder in (path, *path.parents):
            root = self._roots.get(folder)
            if root and root.recursive and self._reaches(root, path, is_folder=is_folder):
                return root, paths.relative_to(path, folder) or b""
        return self._other_way(path, is_folder=is_folder) or self._new(path, is_folder=is_folder)

    def absorb(self) -> None:
        """Absorb the roots within other ones, except absent ones.

        A scan of the outer root would find their files missing, though they are only offline.
        """
        for inner in list(self._roots.values()):
            if self.is_absent(inner):
                continue
            outer, below = self._outer(inner) or (inner, b"")
            outer, below = self.outermost(outer, below)
            if outer.id == inner.id:
                continue
            self._store.absorb_root(inner, outer, below)
            self._absorbed[inner.id] = (outer, below)
            del self._roots[inner.path]
            known = outer.path / paths.decode(below)
            if known != inner.path:
                self._merge(inner.path, outer, known)

    def _outer(self, inner: Root) -> tuple[Root, bytes] | None:
        """Return the outermost root whose scans reach a root, and the part that this is."""
        found = None
        for folder in inner.path.parents:
            root = self._roots.get(folder)
            if root and root.recursive and root.follow_symlinks and not self.is_absent(root):
                found = root, paths.relative_to(inner.path, folder) or b""
        place = self._resolved(inner.path)
        for folder in (place, *place.parents):
            root = self._at(folder)
            if root and root.id != inner.id and (root.recursive or folder == place):
                found = root, paths.relative_to(place, folder) or b""
        return found

    def _reaches(self, root: Root, path: Path, *, is_folder: bool) -> bool:
        """Whether scans of a root find what lies at a path, which is beneath it by its name."""
        if root.follow_symlinks:
            return True
        folders = (path, *path.parents) if is_folder else path.parents
        between = folders[: len(folders) - len(root.path.parents) - 1]
        return not any(map(os.path.islink, between))

    def _other_way(self, path: Path, *, is_folder: bool) -> tuple[Root, bytes] | None:
        place = self._resolved(path) if is_folder else self._resolved(path.parent) / path.name
        for folder in (place, *place.parents) if is_folder else place.parents:
            root = self._at(folder)
            if root is None or not (root.recursive or folder == place.parent):
                continue
            below = paths.relative_to(place, folder) or b""
            if is_folder and not root.recursive:
                continue
            known = root.path / paths.decode(below)
            if known != path:
                told = (path, known) if is_folder else (path.parent, known.parent)
                self._merge(told[0], root, told[1])
            return root, below
        return None

    def _new(self, path: Path, *, is_folder: bool) -> tuple[Root, bytes]:
        known = self._roots.get(path)
        if is_folder:
            root = replace(known, recursive=True) if known else self._add(path, recursive=True)
            self._store.update_root(root)
            self._note(root)
            return root, b""
        if known:
            return known, b""  # a root of single files, offline
        parent = self._roots.get(path.parent)
        if parent is None and not path.exists():
            raise UsageError(
                f"{path}: no such file or folder, and no folder of the gallery contains it"
            )
        return parent or self._add(path.parent, recursive=False), os.fsencode(path.name)

    def _add(self, path: Path, *, recursive: bool) -> Root:
        root = self._store.add_root(path, recursive=recursive)
        self._note(root)
        return root

    def _note(self, root: Root) -> None:
        self._roots[root.path] = root
        if self.is_absent(root):
            return
        # By its name as well: some file systems have another inode for every spelling of one.
        for key in (self._identity(root.path), self._resolved(root.path)):
            if key is None:
                continue
            other = self._by_identity.get(key)
            if other is None or other.id == root.id or self._rank(root) < self._rank(other):
                self._by_identity[key] = root

    def _rank(self, root: Root) -> tuple[bool, bool, int]:
        """Return what is least for the best of several roots that are one folder."""
        return not root.recursive, root.path != self._resolved(root.path), root.id

    def _at(self, folder: Path) -> Root | None:
        for key in (self._identity(folder), folder):
            root = None if key is None else self._by_identity.get(key)
            if root and root.path in self._roots:
                return root
        return None

    def _identity(self, folder: Path) -> tuple[int, int] | None:
        if folder not in self._identities:
            self._identities[folder] = paths.identity(folder)
        return self._identities[folder]

    def _resolved(self, path: Path) -> Path:
        if path not in self._real:
            self._real[path] = self._listings.spelled(Path(os.path.realpath(path)))
        return self._real[path]

    def _merge(self, path: Path, root: Root, known: Path) -> None:
        told = self.merged.setdefault(root.id, [])
        if MergedPath(path, known) not in told:
            told.append(MergedPath(path, known))
