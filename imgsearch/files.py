"""Files written as a whole or not at all, and names that are free."""

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
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make what was renamed, made or removed in a folder durable, where it can be opened."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_name(folder: Path, name: str) -> Path:
    """Return a path in a folder where nothing is: the name itself, or "name (2).jpg" and so on."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - of a name, not of a path
    target, number = folder / name, 1
    while os.path.lexists(target):
        number += 1
        target = folder / f"{stem} ({number}){suffix}"
    return target
