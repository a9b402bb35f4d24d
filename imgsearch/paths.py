"""Paths as the gallery stores them: bytes, relative to a root, with "/" between the parts.

File names are bytes on most systems and need not be UTF-8. Python represents bytes that are not
by surrogate escapes in `str`, which SQLite refuses as text, so paths are stored as BLOBs.
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
    """Return the absolute path without ".", ".." and "~".

    Symbolic links are not resolved, so that a root reached through a link follows that link.

    Raises:
        UsageError: the path holds a NUL byte.
    """
    if "\0" in str(path):
        raise UsageError(f"path: {str(path)!r} holds a NUL byte, which no file name can")
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111 - pathlib's resolve() would follow links


def encode(path: Path) -> bytes:
    """Return the stored form of an absolute or relative path."""
    return os.fsencode(path.as_posix())


def decode(stored: bytes) -> Path:
    """Return the path of a stored form."""
    return Path(os.fsdecode(stored))


def join(root: bytes, relative: bytes) -> Path:
    """Return the absolute path of a file from the stored forms of its root and of itself."""
    return decode(root + relative if root.endswith(b"/") else root + b"/" + relative)


def relative_to(path: Path, root: Path) -> bytes | None:
    """Return the stored form of a path relative to a root, b"" for the root itself.

    Returns:
        None if the path is not beneath the root.
    """
    if path == root:
        return b""
    return encode(path.relative_to(root)) if path.is_relative_to(root) else None


def beneath(folder: bytes) -> tuple[bytes, bytes]:
    """Return the half-open range of stored paths that lie beneath a stored relative folder.

    SQLite sorts BLOBs byte by byte, and "0" follows "/", so the range is one index scan. b"" is
    the root itself and gives the range of everything, as no name is longer than 255 bytes.
    """
    return (folder + b"/", folder + b"0") if folder else (b"", b"\xff" * 256)


# The operating system's errors for a path where there is no file (any more).
GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file that may hold an image.

    Attributes:
        path: stored form, relative to the root.
        size: bytes.
        mtime_ns: modification time in nanoseconds.
    """

    path: bytes
    size: int
    mtime_ns: int


def look_up(root: Path, path: bytes) -> ScannedFile | None:
    """Return one file as a walk would, whatever its name; None if it does not exist.

    Raises:
        OSError: nobody can tell whether it exists, as in a folder that may not be entered.
    """
    try:
        status = os.stat(os.path.join(os.fsencode(root), path))  # noqa: PTH116, PTH118 - bytes
    except ValueError:
        return None  # a null byte, which no path has
    except OSError as error:
        if error.errno in GONE:
            return None
        raise
    if not stat.S_ISREG(status.st_mode):
        return None
    return ScannedFile(path, status.st_size, status.st_mtime_ns)
