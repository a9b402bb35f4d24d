"""SQLite's errors, translated where they leave the gallery's database."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from imgsearch.errors import GalleryDamagedError, GalleryLockedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


DATABASE: Final = "gallery.db"
DAMAGE_CODES: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# All statements are the gallery's own. Where their tables and columns are not there, or text is
# no text, the file is not as it was written.
DAMAGE_WORDS: Final = (
    "no such ",
    "malformed ",
    "unsupported file format",
    "foreign key mismatch",
    "attached databases must use the same text encoding",
    "Could not decode ",
)


@contextmanager
def translated_errors(folder: Path) -> Iterator[None]:
    """Turn SQLite's words for a broken file into the gallery's, at the border.

    Raises:
        GalleryDamagedError: SQLite says that the file is no database, or a malformed one.
        GalleryLockedError: another program, which minds no writer lock, holds the database.
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
        raise


def primary_code(error: Exception) -> int:
    """Return the kind of an SQLite error, `sqlite3.SQLITE_OK` for Python's own."""
    # Python tells the extended code, whose last byte is the kind of error; errors of Python's
    # own, such as text that is no UTF-8 or the use of a closed connection, have none.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
