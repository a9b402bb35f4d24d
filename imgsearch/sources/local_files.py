"""The files beneath a folder of this machine, for tars in it; scans of folders need no source."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING

from imgsearch import paths
from imgsearch.sources.protocol import Entry, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class LocalFiles:
    """The files beneath a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def list(self, folder: bytes) -> Iterator[Entry]:
        """Yield what a folder holds, by name."""
        try:
            with os.scandir(self._place(folder)) as listing:
                found = sorted((entry.name, entry.is_dir()) for entry in listing)
        except OSError as error:
            raise _told(error) from error
        for name, is_folder in found:
            path = folder + b"/" + name if folder else name
            file = None if is_folder else self.stat(path)
            if is_folder or file is not None:
                yield Entry(name, file)

    def stat(self, path: bytes) -> paths.ScannedFile | None:
        """Return what tells whether a file has changed; None if there is none."""
        try:
            return paths.status_of(self._folder, path)
        except OSError as error:
            raise _told(error) from error

    def read(self, path: bytes, *, start: int = 0, size: int | None = None) -> bytes:
        """Return the bytes of a file, or some of them."""
        try:
            with self.open(path) as file:
                file.seek(start)
                return file.read() if size is None else file.read(size)
        except OSError as error:
            raise _told(error) from error

    def open(self, path: bytes) -> IO[bytes]:
        """Return a file to be read here and there."""
        try:
            return open(self._place(path), "rb")  # noqa: PTH123 - bytes; the caller's
        except OSError as error:
            raise _told(error) from error

    def _place(self, path: bytes) -> bytes:
        top = os.fsencode(self._folder)
        return os.path.join(top, path) if path else top  # noqa: PTH118 - bytes


def _told(error: OSError) -> SourceError:
    if isinstance(error, SourceError):
        return error
    reason = (error.strerror or "the operating system refuses").lower()
    return SourceError(reason, gone=error.errno in paths.GONE)
