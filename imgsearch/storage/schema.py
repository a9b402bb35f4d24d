"""The schema of `gallery.db`, as ordered migrations that are never edited once released.

`PRAGMA user_version` counts the migrations that a database has been through;
`PRAGMA application_id` marks it as a gallery's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imgsearch.errors import GalleryDamagedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

APPLICATION_ID: Final = 0x696D6773  # "imgs"


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
    database.create_view(
        "orphan",
        "SELECT id FROM content "
        "WHERE NOT EXISTS (SELECT 1 FROM file WHERE file.content_id = content.id)",
    )
    database.create_view(
        "photo",
        """
        SELECT CAST(root.path AS TEXT) || '/' || CAST(file.path AS TEXT) AS path,
               file.reason AS unreadable, content.hash, content.bytes, content.width,
               content.height, content.format, content.taken, content.camera, content.lens,
               content.latitude, content.longitude, content.orientation
        FROM file JOIN root ON root.id = file.root_id
        LEFT JOIN content ON content.id = file.content_id
        """,
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


STEPS: Final[tuple[Callable[[Database], None], ...]] = (
    m001_roots_files_and_contents,
    m002_recipes_and_embeddings,
    m003_views,
    m004_settings,
    m005_identity_of_files,
    m006_embeddings_by_content,
)


def bring_up_to_date(database: Database) -> None:
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


def refuse_strangers(database: Database) -> None:
    """Check, without changing anything, that a database is empty or a gallery's.

    Raises:
        GalleryDamagedError: the file is not a gallery's, or a newer imgsearch wrote it.
    """
    (version,) = database.execute("PRAGMA user_version").fetchone()
    verify(application_id(database), version, empty=not database.table_names())


def application_id(database: Database) -> int:
    """Return the number that marks whose database this is; 0 if none was set."""
    (value,) = database.execute("PRAGMA application_id").fetchone()
    return int(value)


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
