"""The files of a group while it is planned: what is there of them, and how they are the same."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.addresses import Address
from imgsearch.duplicates.groups import Evidence, Kind
from imgsearch.plans.plan import PlannedFile

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from imgsearch.search.matches import GalleryFile

_EXACT: Final = frozenset({Kind.IDENTICAL, Kind.PIXELS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file of a group, and what speaks against its removal.

    Attributes:
        file: as the gallery knows it.
        evidence: that it is the same as the group's first keeper; None of that one itself.
        status: what the operating system says; None if nothing can be done with it.
        obstacle: why it must stay; None if it may go.
        protected: whether it lies in a protected folder.
        accompanied: whether a companion belongs to it.
    """

    file: GalleryFile
    evidence: Evidence | None
    status: os.stat_result | None
    obstacle: str | None
    protected: bool
    accompanied: bool

    @property
    def path(self) -> Path:
        """Its absolute path."""
        return self.file.path

    @property
    def exact(self) -> bool:
        """Whether it is the same picture as the group's first keeper, without any doubt."""
        return self.evidence is None or self.evidence.kind in _EXACT


def status_of(file: GalleryFile) -> tuple[os.stat_result | None, str | None]:
    """Return what the operating system says of a file, or why nothing can be done with it."""
    if file.offline:
        return None, f"offline: {file.root} is not there"
    if isinstance(file.path, Address):
        return None, "no file of this machine, and only such are moved"
    try:
        status = file.path.stat()
    except OSError as error:
        return None, f"not there: {(error.strerror or str(error)).lower()}"
    if not stat.S_ISREG(status.st_mode):
        return None, "no regular file"
    if status.st_size != file.bytes:
        return None, "changed since it was indexed; run `imgsearch index`"
    return status, None


def planned(entry: Entry) -> PlannedFile:
    """Return a file as a plan knows it."""
    if entry.status is None:
        raise AssertionError(entry.path)  # only files that are there are planned
    return PlannedFile(
        path=entry.path,
        root=entry.file.root,
        content=entry.file.content,
        bytes=entry.file.bytes,
        mtime_ns=entry.status.st_mtime_ns,
        device=entry.status.st_dev,
        inode=entry.status.st_ino or None,
    )


def same_file(one: Entry, other: Entry) -> bool:
    """Whether two names lead to one file on disk."""
    if one.status is None or other.status is None or not one.status.st_ino:
        return False
    return (one.status.st_dev, one.status.st_ino) == (other.status.st_dev, other.status.st_ino)


def between(entry: Entry, keeper: Entry) -> Evidence | None:
    """Return the evidence that a file is the same as the keeper itself, or None.

    The same bytes are the same. Otherwise both were compared with the group's first keeper, and
    where one of them is the same picture as that one without any doubt, the other's evidence is
    about it too.
    """
    if entry.file.content == keeper.file.content:
        return Evidence(kind=Kind.IDENTICAL, certainty=1.0)
    if entry.exact and keeper.exact:
        return _weaker(entry.evidence, keeper.evidence)
    if keeper.exact:
        return entry.evidence
    return keeper.evidence if entry.exact else None


def _weaker(one: Evidence | None, other: Evidence | None) -> Evidence | None:
    given = [evidence for evidence in (one, other) if evidence is not None]
    order = list(Kind)
    return max(given, key=lambda e: (order.index(e.kind), -e.certainty), default=None)
