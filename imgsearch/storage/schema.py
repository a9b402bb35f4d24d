"""The schema of `gallery.db`, as ordered migrations that are never edited once released.

`PRAGMA user_version` counts the migrations that a database has been through;
`PRAGMA application_id` marks it as a gallery's.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, Protocol

from imgsearch.errors import GalleryDamagedError
from imgsearch.storage.content_digest import digest_of_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database as WritableDatabase

APPLICATION_ID: Final = 0x696D6773  # "imgs"
# A gallery has some twenty.
MOST_OBJECTS: Final = 1000
SchemaObject = tuple[str, str, str, str]

_QUOTES: Final = re.compile(r'["\[\]]')
_STATISTICS: Final = (
    ("sqlite_stat1", "tbl,idx,stat"),
    ("sqlite_stat4", "tbl,idx,neq,nlt,ndlt,sample"),
)


class Database(Protocol):
    """All that a step may use: readers take the steps too, to know what a schema looks like."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any:  # noqa: ANN401 - as sqlite3 has it
        """Run one statement."""


def m001_roots_files_and_contents(database: Database) -> None:
    """Create the tables of roots, of the files in them, and of their contents.

    Paths are BLOBs: a file name is bytes, and need not be UTF-8. Content ids are never reused,
    so that a cache older than a removal can't mistake a new content for an old one.
    """
    _run(
        database,
        """
        CREATE TABLE root (
            id INTEGER PRIMARY KEY,
            path BLOB NOT NULL UNIQUE,
            recursive INTEGER NOT NULL,
            exclude TEXT NOT NULL,
            follow_symlinks INTEGER NOT NULL
        );
        CREATE TABLE content (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            hash TEXT NOT NULL UNIQUE,
            bytes INTEGER NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            format TEXT NOT NULL,
            taken TEXT,
            camera TEXT,
            lens TEXT,
            latitude REAL,
            longitude REAL,
            orientation INTEGER NOT NULL
        );
        CREATE TABLE file (
            id INTEGER PRIMARY KEY,
            root_id INTEGER NOT NULL REFERENCES root (id) ON DELETE CASCADE,
            path BLOB NOT NULL,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            content_id INTEGER REFERENCES content (id) ON DELETE SET NULL,
            reason TEXT,
            decoders TEXT,
            UNIQUE (root_id, path)
        );
        CREATE INDEX file_by_content ON file (content_id);
    """,
    )


def m002_recipes_and_embeddings(database: Database) -> None:
    """Create the tables of recipes and of the embeddings under them."""
    _run(
        database,
        """
        CREATE TABLE recipe (
            id INTEGER PRIMARY KEY,
            identifier TEXT NOT NULL UNIQUE,
            recipe TEXT NOT NULL,
            is_primary INTEGER NOT NULL,
            generation INTEGER NOT NULL
        );
        CREATE TABLE embedding (
            id INTEGER PRIMARY KEY,
            recipe_id INTEGER NOT NULL REFERENCES recipe (id) ON DELETE CASCADE,
            content_id INTEGER NOT NULL REFERENCES content (id) ON DELETE CASCADE,
            vector BLOB NOT NULL,
            UNIQUE (recipe_id, content_id)
        );
    """,
    )


def m003_views(database: Database) -> None:
    """Create `orphan`, the contents without a file, and `photo`, for people with SQL tools."""
    database.execute(
        'CREATE VIEW "orphan" AS SELECT id FROM content '
        "WHERE NOT EXISTS (SELECT 1 FROM file WHERE file.content_id = content.id)"
    )
    database.execute(
        """CREATE VIEW "photo" AS
        SELECT CAST(root.path AS TEXT) || '/' || CAST(file.path AS TEXT) AS path,
               file.reason AS unreadable, content.hash, content.bytes, content.width,
               content.height, content.format, content.taken, content.camera, content.lens,
               content.latitude, content.longitude, content.orientation
        FROM file JOIN root ON root.id = file.root_id
        LEFT JOIN content ON content.id = file.content_id
        """
    )


def m004_settings(database: Database) -> None:
    """Create the table of the gallery's settings, by name."""
    _run(database, "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)")


def m005_identity_of_files(database: Database) -> None:
    """Add the columns that tell a file from another of its size and time; NULL is not known."""
    _run(
        database,
        """
        ALTER TABLE file ADD COLUMN inode INTEGER;
        ALTER TABLE file ADD COLUMN ctime_ns INTEGER;
        """,
    )


def m006_embeddings_by_content(database: Database) -> None:
    """Create the index by which a removed content's embeddings are found."""
    _run(database, "CREATE INDEX embedding_by_content ON embedding (content_id)")


def m007_identity_and_checksums(database: Database) -> None:
    """Tell galleries, their states and damaged embeddings apart.

    The gallery gets a random id, a recipe the digest of the contents that are embedded under it
    (`imgsearch.storage.content_digest`), and an embedding a checksum, NULL where it is older than
    this step. Caches that are older name neither id nor digest: `undigested` is the generation up
    to which such a cache may be believed.
    """
    _run(
        database,
        """
        ALTER TABLE recipe ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE recipe ADD COLUMN undigested INTEGER NOT NULL DEFAULT -1;
        ALTER TABLE embedding ADD COLUMN checksum INTEGER;
        UPDATE recipe SET undigested = generation;
        INSERT INTO setting (name, value) VALUES ('gallery', lower(hex(randomblob(16))));
    """,
    )
    for (recipe_id,) in database.execute("SELECT id FROM recipe").fetchall():
        database.execute(
            "UPDATE recipe SET digest = ? WHERE id = ?",
            (digest_of_rows(database, recipe_id), recipe_id),
        )


STEPS: Final[tuple[Callable[[Database], None], ...]] = (
    m001_roots_files_and_contents,
    m002_recipes_and_embeddings,
    m003_views,
    m004_settings,
    m005_identity_of_files,
    m006_embeddings_by_content,
    m007_identity_and_checksums,
)


def bring_up_to_date(database: WritableDatabase) -> None:
    """Apply the migrations that the database lacks, all of them or none.

    Args:
        database: writable, outside a transaction.

    Raises:
        GalleryDamagedError: the file is not a gallery's, or a newer imgsearch wrote it.
    """
    refuse_strangers(database)
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == len(STEPS):
        return
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


def _run(database: Database, statements: str) -> None:
    # Not executescript: it would commit the transaction that makes a migration atomic.
    for statement in statements.split(";"):
        if statement.strip():
            database.execute(statement)


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
