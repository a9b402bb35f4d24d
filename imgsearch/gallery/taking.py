"""The part of the façade that gives originals away, and keeps named sets of contents."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections import OrderedDict
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from typing import TYPE_CHECKING, Final

from imgsearch.addresses import Address
from imgsearch.errors import NotThereError, UsageError
from imgsearch.gallery.examining import Examining

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgsearch.gallery.picture_sets import PictureSet, PictureSets
    from imgsearch.search.matches import GalleryFile

_REMEMBERED: Final = 4096
_Stamp = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Original:
    """A file of the gallery, opened for reading; whoever asked for it closes it.

    Attributes:
        file: at its beginning.
        path: absolute path.
        bytes: its size.
        format: such as "JPEG", by its bytes.
    """

    file: BufferedReader
    path: Path
    bytes: int
    format: str


class Verified:
    """Remembers which files on disk were seen to hold a content, for all threads."""

    def __init__(self) -> None:
        self._stamps: OrderedDict[str, _Stamp] = OrderedDict()
        self._lock = threading.Lock()

    def holds(self, content: str, file: BufferedReader) -> bool:
        """Whether an open file's bytes have that SHA-256; they are read but the first time."""
        stamp = _stamp(file)
        with self._lock:
            if self._stamps.get(content) == stamp:
                return True
        same = hashlib.file_digest(file, "sha256").hexdigest() == content
        file.seek(0)
        if same and _stamp(file) == stamp:
            with self._lock:
                self._stamps[content] = stamp
                while len(self._stamps) > _REMEMBERED:
                    self._stamps.popitem(last=False)
        return same


class Taking(Examining):
    """What `Gallery` is besides indexing; not used by itself."""

    _verified: Verified
    _sets: PictureSets

    def original(self, content: str) -> Original:
        """Open a file that holds a content, after comparing its bytes with the hash.

        A file that was compared is not read again for as long as its size and times stay. What lies
        at an address is read into memory.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: the gallery holds no such content in a file.
            NotThereError: no file that holds it is there and as it was.
        """
        held = self.file_of(content)
        reason = "no file holds it any more"
        for path in (held.path, *(copy.path for copy in held.duplicates)):
            if isinstance(path, Address):
                try:
                    return _fetched(path, held)
                except NotThereError as error:
                    reason = error.reason
                    continue
            try:
                file = _opened(path)
            except OSError as error:
                reason = f"{path}: {(error.strerror or 'cannot be read').lower()}"
                continue
            try:
                if self._verified.holds(content, file):
                    return Original(file, path, os.fstat(file.fileno()).st_size, held.format)
                reason = f"{path}: changed since it was indexed; run `imgsearch index`"
            except OSError as error:
                reason = f"{path}: {(error.strerror or 'cannot be read').lower()}"
            file.close()
        raise NotThereError(reason, name=f"content {content[:12]}")

    def sets(self) -> list[PictureSet]:
        """Return the named sets of contents that are kept with the gallery, by name.

        Raises:
            NoGalleryError: there is no gallery.
            ImgsearchError: the file that holds them is damaged.
        """
        self._connections.reader()
        return self._sets.all()

    def keep_set(self, name: str, contents: Sequence[str]) -> PictureSet:
        """Keep a named set of contents with the gallery; one of that name is replaced.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: the gallery never held one of the contents, or the name is none.
        """
        wanted = list(dict.fromkeys(contents))
        for content, identifier in zip(wanted, self.ids_of(wanted), strict=True):
            if identifier is None:
                raise UsageError(f"contents: the gallery holds none of hash {content!r}")
        return self._sets.keep(name, wanted)

    def drop_set(self, name: str) -> None:
        """Forget a named set of contents.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: there is no set of that name.
        """
        self._connections.reader()
        self._sets.drop(name)


def _fetched(address: Address, held: GalleryFile) -> Original:
    """Read what lies at an address into memory.

    Raises:
        NotThereError: it can't be had, or is not as it was.
    """
    from imgsearch.search.originals import read_content

    data = read_content(held.content, [address])
    return Original(BufferedReader(BytesIO(data)), address, len(data), held.format)


def _opened(path: Path) -> BufferedReader:
    """Open a regular file.

    Raises:
        OSError: it is not there, or is something that reading might wait for.
    """
    file = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(0, "not a regular file")
    return file


def _stamp(file: BufferedReader) -> _Stamp:
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
