"""SQLite's errors, translated into the gallery's."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from imgsearch.errors import GalleryDamagedError, GalleryLockedError, ImgsearchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


DATABASE: Final = "gallery.db"
NOT_WRITABLE_CODES: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
DAMAGE_CODES: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# A file that can't be enlarged: there is no telling from a disk that fails, but this is likelier.
FULL_CODES: Final = (sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE)
# All statements are the gallery's own: if their tables or columns are missing, or text is not
# text, the file is not as it was written.
DAMAGE_WORDS: Final = (
    "no such ",
    "malformed ",
    "unsupported file format",
    "foreign key mismatch",
    "attached databases must use the same text encoding",
    "Could not decode ",
)


class DiskFullError(ImgsearchError):
    """The disk has no room for the database, or for what SQLite keeps beside it."""


@contextmanager
def translated_errors(folder: Path, *, writing: bool = False) -> Iterator[None]:
    """Turn SQLite's errors about a broken, busy or closed file into the gallery's own.

    Args:
        folder: the gallery's.
        writing: whether the database is opened for writing.

    Raises:
        PermissionError: this user may not open the database so.
        GalleryDamagedError: SQLite says that the file is not a database, or a malformed one.
        GalleryLockedError: another program, which ignores the writer lock, holds the database.
        DiskFullError: it has no room.
    """
    try:
        yield
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        code = primary_code(error)
        if (
            code in DAMAGE_CODES
            or isinstance(error, UnicodeDecodeError)
            or str(error).startswith(DAMAGE_WORDS)
        ):
            reason = str(error).encode("ascii", "replace").decode("ascii")
            raise GalleryDamagedError(
                f"{folder / DATABASE} is damaged ({reason}): `imgsearch check` says how far; "
                "restore a copy, or index into a new gallery"
            ) from error
        if code == sqlite3.SQLITE_BUSY:
            raise GalleryLockedError(
                f"{folder / DATABASE} is held by another program ({error}): close it, then try "
                "again"
            ) from error
        if code in NOT_WRITABLE_CODES:
            _refuse_strangers_file(folder / DATABASE, writing=writing)
        if code == sqlite3.SQLITE_FULL or _extended_code(error) in FULL_CODES:
            raise DiskFullError(
                f"{folder / DATABASE}: no space left on the disk; what was committed before is "
                "stored: free space and run again"
            ) from error
        raise


def _refuse_strangers_file(file: Path, *, writing: bool) -> None:
    # Not by opening it: closing it again would drop SQLite's locks of this process.
    if not file.exists() or os.access(file, os.R_OK | os.W_OK if writing else os.R_OK):
        return
    doing = "write" if writing else "read"
    raise PermissionError(
        errno.EACCES,
        f"this user may not {doing} it, it belongs to {_owner(file)}: become that user, or have "
        "its permissions changed",
        str(file),
    )


def _owner(file: Path) -> str:
    try:
        return file.owner()
    except (KeyError, NotImplementedError, OSError):
        return f"user {file.stat().st_uid}"


def primary_code(error: Exception) -> int:
    """Return SQLite's primary result code; `sqlite3.SQLITE_OK` if the error is Python's own."""
    # Python gives the extended code, whose lowest byte is the primary one. Errors of Python's
    # own, such as text that is not UTF-8 or the use of a closed connection, have none.
    return _extended_code(error) & 0xFF


def _extended_code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK))
