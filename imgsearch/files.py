"""Write a file so that a reader sees the old one or the new one, never a part."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TEMPORARY_SUFFIX: Final = ".tmp"


def write_atomically(path: Path, parts: Iterable[memoryview | bytes]) -> None:
    """Write the parts one after the other into a file; one that is there is replaced.

    Args:
        path: the file.
        parts: its bytes, taken one by one, so that they need not all exist at once.

    Raises:
        OSError: the file could not be written; the old one, if any, is untouched and no temporary
            file is left.
    """
    # In the same folder, since a rename is atomic within one file system only.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    try:
        with temporary.open("xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            # The bytes are on the disk before the name is, or a power cut leaves an empty file.
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # writing, unlike opening, names nothing
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable, where the system lets a folder be opened."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
