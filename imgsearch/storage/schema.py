"""The schema of `gallery.db`: brought up to date, and compared with what its steps make.

`PRAGMA user_version` counts the migrations that a database has been through;
`PRAGMA application_id` marks it as a gallery's.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from imgsearch.errors import GalleryDamagedError
from imgsearch.storage.schema_steps import STEPS

if TYPE_CHECKING:
    from imgsearch.storage.schema_steps import Database

APPLICATION_ID: Final = 0x696D6773  # "imgs"
# A gallery has some twenty.
MOST_OBJECTS: Final = 1000
SchemaObject = tuple[str, str, str, str]

_QUOTES: Final = re.compile(r'["\[\]]')
_STATISTICS: Final = (
    ("sqlite_stat1", "tbl,idx,stat"),
    ("sqlite_stat4", "tbl,idx,neq,nlt,ndlt,sample"),
)


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Apply the migrations that the database lacks, all of them or none.

    Args:
        connection: writable, outside a transaction.

    Raises:
        GalleryDamagedError: the file is not a gallery's, or a newer imgsearch wrote it.
    """
    refuse_strangers(connection)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == len(STEPS):
        return
    # It takes longer to import than a run takes in which nothing has changed.
    from sqlite_utils import Database as WritableDatabase

    database = WritableDatabase(connection, execute_plugins=False)
    with database.atomic():
        for step in STEPS[version:]:
            step(database)
        database.execute(f"PRAGMA user_version = {len(STEPS)}")
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def refuse_strangers(database: Database) -> bool:
    """Check, without changing anything, that a database is a gallery's or empty.

    Its objects are compared with those that the steps make, before a row of any of them is read:
    a trigger or a view from elsewhere would run under this program's hands.

    Returns:
        Whether it is empty: a first run was killed before it created the tables.

    Raises:
        GalleryDamagedError: the file is not a gallery's, or a newer imgsearch wrote it.
    """
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (mark,) = database.execute("PRAGMA application_id").fetchone()
    found = schema_objects(database)
    verify(mark, version, empty=not found)
    if not found:
        return not (version or mark)
    if not 0 <= version <= len(STEPS):
        version = 0
    expected = objects_of(version)
    for kind, name, table, sql in sorted(found - expected):
        if not _is_statistics(kind, name, table, sql):
            raise GalleryDamagedError(
                f"gallery.db holds something that is not of schema {version} ({kind} {name!r}): "
                "nothing more of it was read; restore a copy, or index into a new gallery"
            )
    for kind, name, *_ in sorted(expected - found):
        raise GalleryDamagedError(
            f"gallery.db is damaged (no such {kind}: {name}): restore a copy, or index into a new "
            "gallery"
        )
    return False


def schema_objects(database: Database) -> set[SchemaObject]:
    """Return type, name, table and normalised SQL of every object, those of SQLite's own too."""
    rows = database.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT ?", (MOST_OBJECTS,)
    )
    return {(str(kind), str(name), str(table), _normalised(sql)) for kind, name, table, sql in rows}


def objects_of(version: int) -> set[SchemaObject]:
    """Return the objects of a schema, as the steps make them."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        for step in STEPS[:version]:
            step(database)
        return schema_objects(database)


def _normalised(sql: object) -> str:
    # SQLite keeps a statement as it was written; sqlite-utils once quoted names otherwise.
    return "" if sql is None else " ".join(_QUOTES.sub("", str(sql)).split())


def _is_statistics(*found: str) -> bool:
    """Tell whether this is a table that ANALYZE, in whoever's hands, leaves."""
    return found in {
        ("table", name, name, f"CREATE TABLE {name}({columns})") for name, columns in _STATISTICS
    }


def verify(mark: int, version: int, *, empty: bool = False) -> None:
    """Check that a database is a gallery's, and not newer than this imgsearch.

    Args:
        mark: its application id.
        version: its user version.
        empty: whether it has no tables yet, and so need not be marked.

    Raises:
        GalleryDamagedError: it is not a gallery's, or a newer imgsearch wrote it.
    """
    if mark != APPLICATION_ID and not empty:
        raise GalleryDamagedError(
            f"gallery.db is not a gallery's database (application id {mark:#x}, expected "
            f"{APPLICATION_ID:#x}): choose another folder with --gallery"
        )
    if version > len(STEPS):
        raise GalleryDamagedError(
            f"gallery.db has schema {version}, this imgsearch knows {len(STEPS)}: a newer "
            "imgsearch wrote it; upgrade imgsearch, or choose another folder with --gallery"
        )
