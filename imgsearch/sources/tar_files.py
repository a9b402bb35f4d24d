"""Members of tars as files, as WebDataset's shards hold them."""

from __future__ import annotations

import io
import posixpath
import tarfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial
from typing import IO, TYPE_CHECKING, Final

from imgsearch.paths import ScannedFile
from imgsearch.sources.faults import fault_of
from imgsearch.sources.protocol import Entry, SourceError, state_number
from imgsearch.sources.retrying import patiently

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.sources.protocol import FileSource

SUFFIX: Final = b".tar"
# Tars whose members are remembered: a run reads one after the other.
_REMEMBERED: Final = 8


@dataclass(slots=True)
class _Tar:
    """What a tar holds.

    Attributes:
        state: what its size and times were.
        members: by path, where the bytes begin, and what tells whether they have changed.
        folders: by path, the names of what they hold.
        fault: why the members beyond these are not known; None if these are all.
    """

    state: tuple[object, ...]
    members: dict[bytes, tuple[int, ScannedFile]] = field(default_factory=dict)
    folders: dict[bytes, set[bytes]] = field(default_factory=lambda: {b"": set()})
    fault: str | None = None

    def add(self, path: bytes, start: int, file: ScannedFile) -> None:
        """Add a member, and the folders that it lies in."""
        self.members[path] = start, file
        while path:
            folder, _, name = path.rpartition(b"/")
            names = self.folders.setdefault(folder, set())
            if name in names:
                break
            names.add(name)
            path = folder


class TarFiles:
    """The members of all tars beneath an address, or of one."""

    def __init__(self, base: FileSource, tar: bytes | None = None) -> None:
        """Prepare to look into tars.

        Args:
            base: where the tars lie.
            tar: the only one; None for each one beneath `base`, as if it were a folder.
        """
        self._base = base
        self._tar = tar
        self._tars: OrderedDict[bytes, _Tar] = OrderedDict()
        self._lock = threading.Lock()

    def list(self, folder: bytes) -> Iterator[Entry]:
        """Yield what a folder, a tar, or a folder in a tar holds, by name."""
        tar, inner = self._split(folder)
        if tar is None:
            for entry in self._base.list(folder):
                if entry.file is None or entry.name.lower().endswith(SUFFIX):
                    yield Entry(entry.name, None)
            return
        known = self._members(tar, anew=not inner)
        for name in sorted(known.folders.get(inner, ())):
            path = inner + b"/" + name if inner else name
            member = known.members.get(path)
            yield Entry(name, None if member is None else self._named(folder, name, member[1]))
        if known.fault is not None and not inner:
            raise SourceError(known.fault)

    def stat(self, path: bytes) -> ScannedFile | None:
        """Return what tells whether a member has changed; None if there is none."""
        folder, _, name = path.rpartition(b"/")
        tar, inner = self._split(path)
        member = None if tar is None else self._members(tar).members.get(inner)
        return None if member is None else self._named(folder, name, member[1])

    def read(self, path: bytes, *, start: int = 0, size: int | None = None) -> bytes:
        """Return the bytes of a member, or some of them."""
        tar, inner = self._split(path)
        member = None if tar is None else self._members(tar).members.get(inner)
        if tar is None or member is None:
            raise SourceError("no such member of the tar", gone=True)
        begin, file = member
        rest = max(0, file.size - start)
        size = rest if size is None else min(size, rest)
        data = self._base.read(tar, start=begin + start, size=size) if size else b""
        if len(data) != size:
            raise SourceError("the tar ends before it does")
        return data

    def open(self, path: bytes) -> IO[bytes]:
        """Return a member to be read here and there."""
        return io.BytesIO(self.read(path))

    def _split(self, path: bytes) -> tuple[bytes | None, bytes]:
        """Return the tar that a path leads into, and the path within it."""
        if self._tar is not None:
            return self._tar, path
        parts = path.split(b"/")
        for end, part in enumerate(parts, 1):
            if part.lower().endswith(SUFFIX):
                return b"/".join(parts[:end]), b"/".join(parts[end:])
        return None, path

    @staticmethod
    def _named(folder: bytes, name: bytes, file: ScannedFile) -> ScannedFile:
        path = folder + b"/" + name if folder else name
        return ScannedFile(path, file.size, file.mtime_ns, inode=file.inode)

    def _members(self, tar: bytes, *, anew: bool = False) -> _Tar:
        """Return what a tar holds; with `anew`, as it is now."""
        with self._lock:
            known = self._tars.get(tar)
            if known is None or anew:
                file = self._base.stat(tar)
                if file is None:
                    raise SourceError("no such tar (it may have vanished)", gone=True)
                state = file.size, file.mtime_ns, file.inode, file.ctime_ns
                if known is None or known.state != state or known.fault is not None:
                    known = patiently(partial(self._read_headers, tar, state, file), fault_of)
            self._tars[tar] = known
            self._tars.move_to_end(tar)
            while len(self._tars) > _REMEMBERED:
                self._tars.popitem(last=False)
            return known

    def _read_headers(self, tar: bytes, state: tuple[object, ...], file: ScannedFile) -> _Tar:
        known = _Tar(state)
        # A member's own size and time may stay when a shard is made again with other bytes.
        whole = state_number(file.size, file.mtime_ns, file.inode)
        try:
            with (
                self._base.open(tar) as stream,
                tarfile.open(
                    fileobj=stream, mode="r:", encoding="utf-8", errors="surrogateescape"
                ) as opened,
            ):
                for member in opened:
                    self._take(known, member, whole)
                # An unsound header ends it without a word, where two empty blocks should.
                stream.seek(opened.offset)
                if any(stream.read(tarfile.BLOCKSIZE)) or opened.offset > file.size:
                    known.fault = "a damaged tar: its end is missing"
        except (tarfile.TarError, ValueError) as error:
            known.fault = f"a damaged tar, or none: {type(error).__name__}"
        return known

    @staticmethod
    def _take(known: _Tar, member: tarfile.TarInfo, whole: int) -> None:
        name = posixpath.normpath(member.name).lstrip("/")
        if not member.isreg() or member.issparse() or name.split("/")[0] in {"", ".", ".."}:
            return
        path = name.encode("utf-8", "surrogateescape")
        time = int(member.mtime) * 1_000_000_000
        start = member.offset_data
        known.add(path, start, ScannedFile(path, member.size, time, inode=whole))
