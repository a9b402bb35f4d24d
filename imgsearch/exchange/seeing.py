"""Looking at the pictures that imported embeddings belong to, as far as they are there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imgsearch import paths
from imgsearch.errors import UnreadableImageError
from imgsearch.images import loading
from imgsearch.storage.records import NEVER_SEEN, ScannedRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.images.fingerprints import Fingerprint
    from imgsearch.images.metadata import Metadata
    from imgsearch.storage.records import Root


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file is listed: in which root, under which stored relative path."""

    root: Root
    path: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFile:
    """What is at a place.

    Attributes:
        row: size and times as they are; a size of `NEVER_SEEN` where nothing is there.
        content: SHA-256 of the bytes, 64 hexadecimal digits; None where nothing is there.
    """

    row: ScannedRow
    content: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPicture:
    """What is there of a picture.

    Attributes:
        files: at each of its places, in their order.
        content: SHA-256 of the first file that is there; None if there is none.
        size: of that file in bytes.
        metadata: what it says; None if it is not there or can't be decoded.
        fingerprint: likewise.
        data: its bytes, if they were to be kept.
    """

    files: tuple[SeenFile, ...]
    content: str | None = None
    size: int = 0
    metadata: Metadata | None = None
    fingerprint: Fingerprint | None = None
    data: bytes | None = None


def see(places: Sequence[Place], *, without_inodes: frozenset[int], keep: bool) -> SeenPicture:
    """Read the files of a picture that are there, and decode the first of them.

    Args:
        places: of the picture's files.
        without_inodes: devices whose inodes mean nothing.
        keep: the bytes, too, if they can be decoded.
    """
    files: list[SeenFile] = []
    first: tuple[str, bytes] | None = None
    for place in places:
        row, data = _read(place, without_inodes)
        content = None if data is None else hashlib.sha256(data).hexdigest()
        files.append(SeenFile(row=row, content=content))
        if first is None and content is not None and data is not None:
            first = content, data
    if first is None:
        return SeenPicture(files=tuple(files))
    content, data = first
    seen = SeenPicture(files=tuple(files), content=content, size=len(data))
    try:
        fingerprint, metadata = loading.fingerprinted(data)
    except UnreadableImageError:
        return seen
    return replace(seen, metadata=metadata, fingerprint=fingerprint, data=data if keep else None)


def _read(place: Place, without_inodes: frozenset[int]) -> tuple[ScannedRow, bytes | None]:
    absent = ScannedRow(place.root.id, place.path, NEVER_SEEN, 0)
    try:
        status = paths.status_of(place.root.path, place.path)
        if status is None:
            return absent, None
        data = loading.read_file(paths.join(paths.encode(place.root.path), place.path))
    except (OSError, UnreadableImageError):
        return absent, None
    inode = None if status.device in without_inodes else status.inode
    row = ScannedRow(
        place.root.id, place.path, status.size, status.mtime_ns, inode, status.ctime_ns
    )
    return row, data
