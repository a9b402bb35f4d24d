"""Which content a file of the gallery holds, as far as can be told without reading it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.addresses import Address
from imgsearch.errors import UsageError
from imgsearch.storage.records import ScannedRow
from imgsearch.storage.roots import is_absent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgsearch.storage.database import Store

_HASH: Final = re.compile("[0-9a-fA-F]{64}")


def content_of(store: Store, file: str | Path) -> str:
    """Return the hash of a file of the gallery, or the hash that was given.

    Args:
        store: in a snapshot, or open for writing.
        file: a path, or 64 hexadecimal digits.

    Raises:
        UsageError: the gallery does not hold the file as it is.
    """
    _, found = indexed(store, places_of(paths.absolute(file)))
    if found is None and _HASH.fullmatch(str(file)):
        return str(file).lower()
    if found is None:
        raise UsageError(
            f"{file}: the gallery does not hold this file as it is; run `imgsearch index` first"
        )
    return found


def places_of(path: Path) -> tuple[Path, ...]:
    """Return where a file lies, itself and what it is a link to."""
    if isinstance(path, Address):
        return (path,)
    place = paths.absolute(path)
    real = os.path.realpath(place)
    return (place,) if real == str(place) else (place, Path(real))


def is_as_indexed(store: Store, file: Path, content: str) -> bool:
    """Whether a file of the gallery still holds a content, as far as can be told without reading.

    One in an absent root does.

    Args:
        store: in a snapshot.
        file: absolute path.
        content: SHA-256 of the bytes, 64 hexadecimal digits.
    """
    return indexed(store, (file,))[1] == content


def indexed(store: Store, places: Iterable[Path]) -> tuple[int | None, str | None]:
    """Return id and hash of a file that is in the gallery and has not changed since.

    What lies at an address is not asked for. A file in an absent root counts as unchanged, as
    does one that was only ever told of.
    """
    roots = store.roots_by_path()
    for path in places:
        # Those deepest down first: what is in two roots is the same in either.
        for folder in path.parents:
            root = roots.get(folder)
            below = None if root is None else paths.relative_to(path, folder)
            if root is None or not below:
                continue
            try:
                seen = None if root.is_address else paths.status_of(root.path, below)
            except OSError:
                seen = None  # reading it says why
            found = None
            if seen:
                row = ScannedRow(
                    root.id, seen.path, seen.size, seen.mtime_ns, seen.inode, seen.ctime_ns
                )
                found = store.content_of_file(root.id, row)
            else:
                # An imported picture may never have been here.
                unseen = not (root.is_address or is_absent(store, root))
                found = store.content_last_at(root.id, below, unseen=unseen)
            if found is not None:
                return found
    return None, None
