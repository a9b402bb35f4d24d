"""Paths as the gallery keeps them: bytes, relative to a root, with "/" between the parts.

File names are bytes on most systems and need not be UTF-8; Python carries the others through
`str` as surrogate escapes, which SQLite refuses as text. So paths are stored as BLOBs.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imgsearch.errors import UsageError


def absolute(path: str | Path) -> Path:
    """Return the path from the file system's root, without ".", ".." and "~".

    Symbolic links stay: a root that is reached through a link follows the link's target.

    Raises:
        UsageError: the path holds a NUL byte, which no file system allows.
    """
    if "\0" in str(path):
        raise UsageError(f"path: {str(path)!r} holds a NUL byte, which no file name can")
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111 - pathlib's resolve() would follow links


def encode(path: Path) -> bytes:
    """Return an absolute or relative path as the bytes that are stored."""
    return os.fsencode(path.as_posix())


def decode(stored: bytes) -> Path:
    """Return the path that `encode` stored."""
    return Path(os.fsdecode(stored))


def join(root: bytes, relative: bytes) -> Path:
    """Return the absolute path of a stored file in a stored root."""
    return decode(root + relative if root.endswith(b"/") else root + b"/" + relative)


def relative_to(path: Path, root: Path) -> bytes | None:
    """Return the path relative to the root as stored, b"" for the root itself.

    Returns:
        None when the path is not beneath the root.
    """
    if path == root:
        return b""
    return encode(path.relative_to(root)) if path.is_relative_to(root) else None


def beneath(folder: bytes) -> tuple[bytes, bytes]:
    """Return the half-open range of stored paths that lie beneath a stored relative folder.

    Bytes sort as SQLite sorts BLOBs, and "0" follows "/", so the range is one index scan.
    b"" stands for the root itself and gives everything: no name is longer than 255 bytes.
    """
    return (folder + b"/", folder + b"0") if folder else (b"", b"\xff" * 256)


# What the operating system says of a name behind which there is nothing (any more).
GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file that may be a picture.

    Attributes:
        path: stored form, relative to the root.
        size: bytes.
        mtime_ns: time of the last change in nanoseconds, as the file system says.
    """

    path: bytes
    size: int
    mtime_ns: int


def look_up(root: Path, path: bytes) -> ScannedFile | None:
    """Return one file as a walk would, whatever its name; None when it is not there.

    Raises:
        OSError: whether it is there can't be told, as in a folder that may not be entered.
    """
    try:
        status = os.stat(os.path.join(os.fsencode(root), path))  # noqa: PTH116, PTH118 - bytes
    except OSError as error:
        if error.errno in GONE:
            return None
        raise
    if not stat.S_ISREG(status.st_mode):
        return None
    return ScannedFile(path, status.st_size, status.st_mtime_ns)
