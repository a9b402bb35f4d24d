"""Looking at a file again right before something is done to it."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.errors import PlanRefusedError

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK: Final = 1 << 20
# Never follow a link in the last place, never wait for a pipe.
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that was found to hold the bytes that it should.

    Attributes:
        path: of the file.
        content: SHA-256 of the bytes, 64 hexadecimal digits.
        status: of the file while it was read.
    """

    path: Path
    content: str
    status: os.stat_result

    def still_there(self) -> None:
        """Make sure that the name leads to the very file whose bytes were seen.

        Raises:
            PlanRefusedError: it leads to another one, or that one was written to.
        """
        if _version(_status(self.path)) != _version(self.status):
            raise PlanRefusedError(f"{self.path}: changed while it was looked at")

    def is_same_file(self, other: Seen) -> bool:
        """Whether another one is the same file on disk."""
        return bool(self.status.st_ino) and os.path.samestat(self.status, other.status)


def see(path: Path, *, content: str, size: int) -> Seen:
    """Read a file, and see that it holds the bytes that it should.

    Args:
        path: absolute.
        content: SHA-256 of the bytes, 64 hexadecimal digits.
        size: their number.

    Raises:
        PlanRefusedError: it is gone, is no regular file, or holds other bytes.
        OSError: it cannot be read.
    """
    if not stat.S_ISREG(_status(path).st_mode):
        raise PlanRefusedError(f"{path}: no regular file any more")
    descriptor = os.open(path, _FLAGS)
    try:
        status = os.fstat(descriptor)
        if status.st_size != size or _digest(descriptor) != content:
            raise PlanRefusedError(f"{path}: holds other bytes than it did when the plan was made")
    finally:
        os.close(descriptor)
    found = Seen(path, content, status)
    found.still_there()
    return found


def holds(path: Path, *, content: str, size: int) -> bool:
    """Whether a regular file is there and holds some bytes."""
    try:
        see(path, content=content, size=size)
    except (PlanRefusedError, FileNotFoundError):
        return False
    return True


def _digest(descriptor: int) -> str:
    digest = hashlib.sha256()
    while block := os.read(descriptor, _CHUNK):
        digest.update(block)
    return digest.hexdigest()


def _status(path: Path) -> os.stat_result:
    try:
        return path.lstat()
    except FileNotFoundError:
        raise PlanRefusedError(f"{path}: not there any more") from None


def _version(status: os.stat_result) -> tuple[int, ...]:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        stat.S_IFMT(status.st_mode),
    )
