"""Paths as the gallery stores them: bytes, relative to a root, with "/" between the parts.

File names are bytes on most systems and need not be UTF-8. Python represents bytes that are not
by surrogate escapes in `str`, which SQLite refuses as text, so paths are stored as BLOBs.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from imgsearch.addresses import Address, address_of, decoded, is_address
from imgsearch.errors import UsageError


def absolute(path: str | Path) -> Path:
    """Return the absolute path without ".", ".." and "~"; an address is one already.

    Symbolic links are not resolved, so that a root reached through a link follows that link.

    Raises:
        UsageError: the path holds a NUL byte, or begins with the "~" of a user without a home; an
            address that is none, or that should not be kept.
    """
    if isinstance(path, Address):
        return path
    if "\0" in str(path):
        raise UsageError(f"path: {str(path)!r} holds a NUL byte, which no file name can")
    if isinstance(path, str) and is_address(path):
        return address_of(path)
    expanded = os.path.expanduser(path)  # noqa: PTH111 - pathlib's raises a plain RuntimeError
    if str(expanded) == "~" or str(expanded).startswith("~/"):
        raise UsageError(f"path: {str(path)!r} begins in a home folder, which this user has not")
    return Path(os.path.abspath(expanded))  # noqa: PTH100 - pathlib's resolve() would follow links


def from_home(path: Path) -> Path:
    """Return a path from "~" on where it lies in the person's home, for showing it."""
    try:
        home = Path.home()
    except RuntimeError:
        return path
    if home != Path(home.anchor) and path.is_relative_to(home):
        return Path("~") / path.relative_to(home)
    return path


def encode(path: Path) -> bytes:
    """Return the stored form of an absolute or relative path."""
    return os.fsencode(path.as_posix())


def decode(stored: bytes) -> Path:
    """Return the path, or the address, of a stored form."""
    return decoded(stored)


def join(root: bytes, relative: bytes) -> Path:
    """Return the absolute path of a file from the stored forms of its root and of itself."""
    return decode(joined(root, relative))


def joined(root: bytes, relative: bytes) -> bytes:
    """Return the stored form of that path."""
    return root + relative if root.endswith(b"/") else root + b"/" + relative


def relative_to(path: Path, root: Path) -> bytes | None:
    """Return the stored form of a path relative to a root, b"" for the root itself.

    Returns:
        None if the path is not beneath the root.
    """
    if path == root:
        return b""
    if isinstance(root, Address):
        # The relative part may begin like an address.
        text, top = str(path), f"{root}/"
        return os.fsencode(text[len(top) :]) if text.startswith(top) else None
    return encode(path.relative_to(root)) if path.is_relative_to(root) else None


def beneath(folder: bytes) -> tuple[bytes, bytes]:
    """Return the half-open range of stored paths that lie beneath a stored relative folder.

    SQLite sorts BLOBs byte by byte, and "0" follows "/", so the range is one index scan. b"" is
    the root itself and gives the range of everything, as no name is longer than 255 bytes.
    """
    return (folder + b"/", folder + b"0") if folder else (b"", b"\xff" * 256)


# The operating system's errors for a path where there is no file (any more).
GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})

# File systems without inodes: Linux numbers their files anew whenever they are mounted.
_WITHOUT_INODES: Final = re.compile(r"vfat|msdos|exfat|fuse|fuseblk|fuse\..*")
_MOUNTS: Final = Path("/proc/self/mountinfo")
# proc(5): id, parent, major:minor, root, mount point, options, a hyphen, type, source.
_MOUNT: Final = re.compile(r"\d+ \d+ (\d+):(\d+) .* - (\S+) ")


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file that may hold an image.

    Every figure fits a column of SQLite's, whatever the file system says.

    Attributes:
        path: stored form, relative to the root.
        size: bytes.
        mtime_ns: modification time in nanoseconds.
        ctime_ns: time of the last change of bytes, name, owner or permissions (on Windows, of
            creation), in nanoseconds; None if not known.
        inode: number of the file on its device; None if not known.
        device: number of the device while it is mounted; None if not known.
        links: how many names the file has.
        by_symlink: whether a symbolic link below the root leads to it.
    """

    path: bytes
    size: int
    mtime_ns: int
    ctime_ns: int | None = None
    inode: int | None = None
    device: int | None = None
    links: int = 1
    by_symlink: bool = False

    @classmethod
    def of(cls, path: bytes, status: os.stat_result, *, by_symlink: bool = False) -> ScannedFile:
        """Return what the operating system says of a file."""
        return cls(
            path,
            _clamped(status.st_size),
            _clamped(status.st_mtime_ns),
            ctime_ns=_clamped(status.st_ctime_ns),
            inode=_signed(status.st_ino) if status.st_ino else None,
            device=_signed(status.st_dev),
            links=status.st_nlink,
            by_symlink=by_symlink,
        )


_LARGEST: Final = (1 << 63) - 1


def _clamped(value: int) -> int:
    if -_LARGEST <= value <= _LARGEST:
        return value  # as nearly always, a million times in a scan
    return _LARGEST if value > 0 else -_LARGEST - 1


def _signed(value: int) -> int:
    """Return an unsigned number of 64 bits as the signed one with the same bits."""
    return value if value <= _LARGEST else value - (1 << 64)


def look_up(root: Path, path: bytes) -> ScannedFile | None:
    """Return one file as a walk would, whatever its name; None if it does not exist.

    Raises:
        OSError: nobody can tell whether it exists, as in a folder that may not be entered.
    """
    seen = status_of(root, path)
    if seen is None:
        return None
    place = os.path.join(os.fsencode(root), path)  # noqa: PTH118 - bytes
    direct = os.path.join(os.path.realpath(os.fsencode(root)), path)  # noqa: PTH118 - bytes
    return replace(seen, by_symlink=os.path.realpath(place) != direct)


def status_of(root: Path, path: bytes) -> ScannedFile | None:
    """Return one file as `look_up` does, but for whether a symbolic link leads to it.

    Raises:
        OSError: as there.
    """
    place = os.path.join(os.fsencode(root), path)  # noqa: PTH118 - bytes
    try:
        status = os.stat(place)  # noqa: PTH116 - bytes
    except ValueError:
        return None  # a null byte, which no path has
    except OSError as error:
        if error.errno in GONE:
            return None
        raise
    return ScannedFile.of(path, status) if stat.S_ISREG(status.st_mode) else None


class Listings:
    """Tells how names are spelled on disk, and reads no folder twice.

    A file system that ignores case, or Unicode's normal forms, finds a file under names that no
    folder lists. Only the listed one is the file's name.
    """

    def __init__(self) -> None:
        self._names: dict[bytes, frozenset[bytes] | None] = {}

    def holds(self, root: Path, path: bytes) -> bool:
        """Whether folders list every part of the path of a file that exists below a root."""
        folder = os.fsencode(root)
        for name in path.split(b"/"):
            if not self._lists(folder, name):
                return False
            folder = os.path.join(folder, name)  # noqa: PTH118 - bytes
        return True

    def spelled(self, path: Path) -> Path:
        """Return an absolute path as the folders list its parts, as far as it exists."""
        place = os.fsencode(path.anchor)
        for part in path.parts[1:]:
            place = os.path.join(place, self._spelled(place, os.fsencode(part)))  # noqa: PTH118 - bytes
        return Path(os.fsdecode(place))

    def name_in(self, folder: Path, name: str) -> str:
        """Return a name as the folder lists it; the name itself if nothing there is called so."""
        return os.fsdecode(self._spelled(os.fsencode(folder), os.fsencode(name)))

    def _lists(self, folder: bytes, name: bytes) -> bool:
        if _has_one_spelling(os.path.join(folder, name), name):  # noqa: PTH118 - bytes
            return True
        names = self._names_in(folder)
        return names is None or name in names

    def _spelled(self, folder: bytes, name: bytes) -> bytes:
        place = os.path.join(folder, name)  # noqa: PTH118 - bytes
        if self._lists(folder, name) or not os.path.lexists(place):
            return name
        # Not by inodes: some of these file systems have another one for every spelling.
        folded = _folded(name)
        others = [other for other in self._names_in(folder) or () if _folded(other) == folded]
        return min(others, default=name)

    def _names_in(self, folder: bytes) -> frozenset[bytes] | None:
        if folder not in self._names:
            try:
                self._names[folder] = frozenset(os.listdir(folder))  # noqa: PTH208 - bytes
            except OSError:
                self._names[folder] = None
        return self._names[folder]


def _has_one_spelling(place: bytes, name: bytes) -> bool:
    """Whether a name that exists can't be found under another; False if that is not certain."""
    if os.name == "nt" or not name.isascii():
        return False
    other = name.swapcase()
    if other == name:
        return True
    try:
        os.lstat(place[: len(place) - len(name)] + other)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _folded(name: bytes) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", os.fsdecode(name)).casefold())


def identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode of what a path leads to; None if nothing, or nothing known."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if status.st_ino else None


def devices_without_inodes() -> frozenset[int]:
    """Return the mounted devices whose inodes are made up anew at every mount.

    Only Linux says so; elsewhere all inodes count.
    """
    try:
        lines = _MOUNTS.read_bytes().decode("utf-8", "replace").splitlines()
    except OSError:
        return frozenset()
    mounts = filter(None, map(_MOUNT.match, lines))
    return frozenset(
        _signed(os.makedev(int(mount[1]), int(mount[2])))
        for mount in mounts
        if _WITHOUT_INODES.fullmatch(mount[3])
    )
