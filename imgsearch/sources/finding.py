"""From an address to what answers for it."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch.addresses import TAR, Address, is_address
from imgsearch.forking import call_in_children
from imgsearch.sources.local_files import LocalFiles
from imgsearch.sources.protocol import SourceError

if TYPE_CHECKING:
    from imgsearch.sources.protocol import FileSource

_KEPT: Final = 64
_SUFFIX: Final = ".tar"


def source_of(address: Address) -> FileSource:
    """Return the files beneath an address; nothing is asked yet.

    Raises:
        UsageError: an address of a kind that fsspec does not know.
        MissingExtraError: a package that it needs is not installed.
    """
    return _source(str(address))


def entered(path: Path) -> Path:
    """Return a tar as the address of what it holds; any other path as it is."""
    text = str(path)
    if text.startswith(TAR) or not text.lower().endswith(_SUFFIX):
        return path
    return Address(f"{TAR}{text}") if isinstance(path, Address) or path.is_file() else path


def read(address: Address) -> bytes:
    """Return the bytes of a file.

    Raises:
        SourceError: they can't be had.
        UsageError: as `source_of`.
        MissingExtraError: likewise.
    """
    text = str(address)
    if text.startswith(TAR):
        tar = _innermost_tar(address)
        if tar is None:
            raise SourceError("no member of a tar", gone=True)
        return source_of(tar).read(os.fsencode(text[len(str(tar)) + 1 :]))
    scheme, _, rest = text.partition("://")
    host, _, path = rest.partition("/")
    return _source(f"{scheme}://{host}").read(os.fsencode(path))


def _innermost_tar(address: Address) -> Address | None:
    for folder in address.parents:
        if folder.name.lower().endswith(_SUFFIX):
            return folder
    return None


@lru_cache(maxsize=_KEPT)
def _source(text: str) -> FileSource:
    if text.startswith(TAR):
        from imgsearch.sources.tar_files import TarFiles

        place = text.removeprefix(TAR)
        if not place.lower().endswith(_SUFFIX):
            return TarFiles(_plain(place))
        folder, _, name = place.rpartition("/")
        return TarFiles(_plain(folder or "/"), os.fsencode(name))
    return _plain(text)


# What fsspec has begun in the parent, and locks that a thread of it holds, are of no use there.
call_in_children(_source.cache_clear)


def _plain(place: str) -> FileSource:
    if not is_address(place):
        return LocalFiles(Path(place))
    from imgsearch.sources.fsspec_files import FsspecFiles
    from imgsearch.sources.s3_files import S3Files

    return S3Files(place) if place.startswith(("s3://", "s3a://")) else FsspecFiles(place)
