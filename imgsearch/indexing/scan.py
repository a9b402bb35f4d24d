"""Walking folders for files that may hold images, without opening any."""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from imgsearch.addresses import Address
from imgsearch.images.formats import identify
from imgsearch.images.loading import MAX_FILE_BYTES
from imgsearch.images.unread_kinds import unread_kind
from imgsearch.indexing.shards import WHOLE, Shard
from imgsearch.paths import GONE, ScannedFile
from imgsearch.sources.finding import source_of
from imgsearch.sources.protocol import SourceError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from imgsearch.sources.protocol import FileSource

# Folders that network drives and desktop systems fill with thumbnails or deleted files.
SYSTEM_FOLDERS: Final = frozenset(
    {b"@eaDir", b"#recycle", b"$RECYCLE.BIN", b"System Volume Information", b"lost+found"}
)

# Enough of a file to tell an image by.
_HEAD_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class UnlistedFolder:
    """A folder that exists but could not be listed, so nothing is known of its files.

    Attributes:
        path: stored form, relative to the root.
        reason: the operating system's.
    """

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class UnknownFile:
    """A file that is listed, but of which the operating system says nothing.

    Attributes:
        path: stored form, relative to the root.
        reason: the operating system's.
    """

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class ScanRules:
    """What a walk leaves out.

    Attributes:
        suffixes: lower-case suffixes of image files, with their dots; others are left out.
        exclude: glob patterns. One with a "/" is matched against the path relative to the root,
            where "*" crosses folders; one without, against the name of each file and folder.
        follow_symlinks: whether symbolic links are followed; loops are detected.
        skip: absolute folders that are never entered, such as the gallery's own.
        any_name: files of other suffixes are opened, and taken if they begin like an image.
        shard: the share of the files that is not left out.
    """

    suffixes: frozenset[str]
    exclude: tuple[str, ...] = ()
    follow_symlinks: bool = False
    skip: tuple[Path, ...] = ()
    any_name: bool = False
    shard: Shard = WHOLE
    _names: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _paths: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the patterns once."""
        names = [glob for glob in self.exclude if "/" not in glob]
        whole = [glob.strip("/") for glob in self.exclude if "/" in glob]
        object.__setattr__(self, "_names", _compile(names))
        object.__setattr__(self, "_paths", _compile(whole))

    def excludes(self, path: bytes) -> bool:
        """Whether a pattern matches this stored relative path or a folder above it."""
        if self._names is None and self._paths is None:
            return False
        parts = os.fsdecode(path).split("/")
        if self._names and any(self._names.match(part) for part in parts):
            return True
        return self._paths is not None and any(
            self._paths.match("/".join(parts[: end + 1])) for end in range(len(parts))
        )

    def may_be_image(self, name: bytes) -> bool:
        """Whether the name has an image's suffix; the content decides later."""
        return os.path.splitext(os.fsdecode(name))[1].lower() in self.suffixes  # noqa: PTH122 - Path objects cost a third of a scan


def walk(
    root: Path, rules: ScanRules, *, below: bytes = b"", passed_over: Counter[str] | None = None
) -> Iterator[ScannedFile | UnknownFile | UnlistedFolder]:
    """Return the files beneath a root that may hold images, always in the same order.

    Hidden files and folders, whose names begin with a dot, and `SYSTEM_FOLDERS` are left out.

    Args:
        root: the folder, or the address, that paths are relative to.
        rules: what else is left out.
        below: stored relative path of the folder to walk; b"" for the root itself.
        passed_over: counts the pictures, drawings and films that are not read, by kind.

    Returns:
        Files, those of which nothing is known, and folders that could not be listed.
    """
    if isinstance(root, Address):
        return _walk_source(source_of(root), rules, below, passed_over)
    return _walk_folder(root, rules, below, passed_over)


def _walk_folder(
    root: Path, rules: ScanRules, below: bytes, passed_over: Counter[str] | None
) -> Iterator[ScannedFile | UnknownFile | UnlistedFolder]:
    top = os.fsencode(root)
    skip = {os.fsencode(folder) for folder in rules.skip}
    visited: set[tuple[int, int]] = set()
    stack = [(below, _leads_elsewhere(top, below))]
    while stack:
        folder, by_symlink = stack.pop()
        place = os.path.join(top, folder) if folder else top  # noqa: PTH118 - bytes
        if place in skip or (rules.follow_symlinks and not _is_first_visit(place, visited)):
            continue
        listing = _list(place, folder)
        if isinstance(listing, UnlistedFolder):
            yield listing
            continue
        inner: list[tuple[bytes, bool]] = []
        for entry in listing:
            path = folder + b"/" + entry.name if folder else entry.name
            if entry.name.startswith(b".") or rules.excludes(path):
                continue
            linked = by_symlink or entry.is_symlink()
            if _is_folder(entry, rules):
                inner.append((path, linked))
            elif not rules.shard.holds(path):
                continue
            elif file := _image_file(entry, path, rules, by_symlink=linked):
                yield file
            elif passed_over is not None and (kind := unread_kind(entry.name)):
                passed_over[kind] += 1
        stack.extend(reversed(inner))


def _walk_source(
    source: FileSource, rules: ScanRules, below: bytes, passed_over: Counter[str] | None
) -> Iterator[ScannedFile | UnknownFile | UnlistedFolder]:
    """Yield the same of what lies at an address."""
    stack = [below]
    while stack:
        folder = stack.pop()
        inner: list[bytes] = []
        try:
            for entry in source.list(folder):
                path = folder + b"/" + entry.name if folder else entry.name
                if entry.name.startswith(b".") or rules.excludes(path):
                    continue
                if entry.file is None:
                    if entry.name not in SYSTEM_FOLDERS:
                        inner.append(path)
                elif not rules.shard.holds(path):
                    continue
                elif file := _listed_file(source, entry.file, rules):
                    yield file
                elif passed_over is not None and (kind := unread_kind(entry.name)):
                    passed_over[kind] += 1
        except SourceError as error:
            yield UnlistedFolder(folder, error.reason)
        stack.extend(reversed(inner))


def _listed_file(
    source: FileSource, file: ScannedFile, rules: ScanRules
) -> ScannedFile | UnknownFile | None:
    if not rules.may_be_image(file.path.rpartition(b"/")[2]):
        try:
            if not rules.any_name or identify(source.read(file.path, size=_HEAD_BYTES)) is None:
                return None
        except SourceError:
            return None
    return file if file.size <= MAX_FILE_BYTES else UnknownFile(file.path, "larger than 2 GiB")


def _list(place: bytes, folder: bytes) -> list[os.DirEntry[bytes]] | UnlistedFolder:
    """Return the entries of a folder, by name; none if the folder is gone."""
    try:
        with os.scandir(place) as listing:
            return sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        if error.errno in GONE - {errno.ENAMETOOLONG}:
            return []
        return UnlistedFolder(folder, error.strerror or str(error))


def _is_first_visit(place: bytes, visited: set[tuple[int, int]]) -> bool:
    try:
        status = os.stat(place)  # noqa: PTH116 - bytes
    except OSError:
        return True  # listing it says why
    identity = (status.st_dev, status.st_ino)
    first = identity not in visited
    visited.add(identity)
    return first


def _is_folder(entry: os.DirEntry[bytes], rules: ScanRules) -> bool:
    try:
        is_folder = entry.is_dir(follow_symlinks=rules.follow_symlinks)
    except OSError:
        return False  # gone since it was listed, or a broken link
    return is_folder and entry.name not in SYSTEM_FOLDERS


def _image_file(
    entry: os.DirEntry[bytes], path: bytes, rules: ScanRules, *, by_symlink: bool
) -> ScannedFile | UnknownFile | None:
    if rules.may_be_image(entry.name):
        return _regular_file(entry, path, rules, by_symlink=by_symlink)
    file = _regular_file(entry, path, rules, by_symlink=by_symlink) if rules.any_name else None
    return file if file and _begins_like_image(entry.path) else None


def _begins_like_image(place: bytes) -> bool:
    try:
        with open(place, "rb") as file:  # noqa: PTH123 - bytes
            return identify(file.read(_HEAD_BYTES)) is not None
    except OSError:
        return False


def _regular_file(
    entry: os.DirEntry[bytes], path: bytes, rules: ScanRules, *, by_symlink: bool
) -> ScannedFile | UnknownFile | None:
    try:
        status = entry.stat(follow_symlinks=rules.follow_symlinks)
        if not status.st_ino:  # on Windows, where a listing has no inodes
            status = os.stat(entry.path, follow_symlinks=rules.follow_symlinks)  # noqa: PTH116 - bytes
    except OSError as error:
        if error.errno in GONE - {errno.ENAMETOOLONG}:
            return None
        return UnknownFile(path, error.strerror or str(error))
    if not stat.S_ISREG(status.st_mode):
        return None
    return ScannedFile.of(path, status, by_symlink=by_symlink)


def _leads_elsewhere(top: bytes, below: bytes) -> bool:
    """Whether a symbolic link lies between a root and a path below it."""
    place = os.path.join(os.path.realpath(top), below)  # noqa: PTH118 - bytes
    return bool(below) and os.path.realpath(place) != place


def _compile(globs: list[str]) -> re.Pattern[str] | None:
    if not globs:
        return None
    return re.compile("|".join(fnmatch.translate(glob) for glob in globs))
