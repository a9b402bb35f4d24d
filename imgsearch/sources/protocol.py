"""What a place that holds pictures has to do: list, stat, read, open."""

from __future__ import annotations

import errno
import hashlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.paths import ScannedFile


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder lists.

    Attributes:
        name: of the file or folder, without the folder's.
        file: what tells whether the file has changed; None for a folder.
    """

    name: bytes
    file: ScannedFile | None


class SourceError(OSError):
    """A place that could not be listed or read, after all tries.

    Attributes:
        reason: one short sentence, which never holds what a server or library said.
        gone: whether there is nothing.
    """

    def __init__(self, reason: str, *, gone: bool = False) -> None:
        self.reason = reason
        self.gone = gone
        super().__init__(errno.EIO, reason)


class FileSource(Protocol):
    """Files beneath an address; asked from several threads. Everything raises `SourceError`."""

    def list(self, folder: bytes) -> Iterator[Entry]:
        """Yield what a folder holds, by name.

        Args:
            folder: stored path relative to the address; b"" for that itself.
        """
        ...

    def stat(self, path: bytes) -> ScannedFile | None:
        """Return what tells whether a file has changed; None if there is none."""
        ...

    def read(self, path: bytes, *, start: int = 0, size: int | None = None) -> bytes:
        """Return the bytes of a file, or `size` of them from `start` on."""
        ...

    def open(self, path: bytes) -> IO[bytes]:
        """Return a file to be read here and there."""
        ...


def state_number(*parts: object) -> int:
    """Return 63 bits that differ when one of the parts does, for the column of inodes.

    An ETag, or whatever else a server says of an object's state, is told apart by them.
    """
    digest = hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") >> 1
