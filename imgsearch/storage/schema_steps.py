"""The ordered migrations of `gallery.db`'s schema, which are never edited once released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from imgsearch.storage.content_digest import digest_of_rows

if TYPE_CHECKING:
    from collections.abc import Callable


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


def m008_fingerprints_and_verdicts(database: Database) -> None:
    """Create the tables that tell which contents are the same.

    A fingerprint (`imgsearch.images.fingerprints`) is of a content and goes with it; one of another
    version counts as none. A verdict says of two contents, by their hashes, that they are not the
    same, and stays when the gallery forgets them. A calibration says how sure a recipe's evidence
    is.
    """
    _run(
        database,
        """
        CREATE TABLE fingerprint (
            content_id INTEGER PRIMARY KEY REFERENCES content (id) ON DELETE CASCADE,
            version INTEGER NOT NULL,
            hash BLOB NOT NULL,
            rendering BLOB NOT NULL
        );
        CREATE TABLE verdict (
            one TEXT NOT NULL,
            other TEXT NOT NULL,
            made TEXT NOT NULL,
            PRIMARY KEY (one, other)
        );
        CREATE TABLE calibration (
            recipe_id INTEGER PRIMARY KEY REFERENCES recipe (id) ON DELETE CASCADE,
            made TEXT NOT NULL,
            calibration TEXT NOT NULL
        );
    """,
    )


def _run(database: Database, statements: str) -> None:
    # Not executescript: it would commit the transaction that makes a migration atomic.
    for statement in statements.split(";"):
        if statement.strip():
            database.execute(statement)


def m009_indexes_of_filters(database: Database) -> None:
    """Create the indexes by which few contents that pass a filter are found among many."""
    _run(
        database,
        """
        CREATE INDEX content_by_taken ON content (taken);
        CREATE INDEX content_by_camera ON content (camera);
        CREATE INDEX content_by_place ON content (latitude, longitude);
        CREATE INDEX content_by_width ON content (width);
        CREATE INDEX content_by_height ON content (height);
        CREATE INDEX content_by_format ON content (format);
        CREATE INDEX file_unreadable ON file (root_id, path) WHERE reason IS NOT NULL;
        """,
    )


def m010_regions(database: Database) -> None:
    """Create the tables of regions, which are what is searched of the parts of contents.

    A row of `region_recipe` says how those under a recipe are made. A region's codes go with its
    content; the index tells which rows there are without reading any codes, and finds those of a
    content that is removed.
    """
    _run(
        database,
        """
        CREATE TABLE region_recipe (
            recipe_id INTEGER PRIMARY KEY REFERENCES recipe (id) ON DELETE CASCADE,
            layout TEXT NOT NULL,
            projection BLOB NOT NULL
        );
        CREATE TABLE region (
            id INTEGER PRIMARY KEY,
            recipe_id INTEGER NOT NULL REFERENCES recipe (id) ON DELETE CASCADE,
            content_id INTEGER NOT NULL REFERENCES content (id) ON DELETE CASCADE,
            checksum INTEGER NOT NULL,
            codes BLOB NOT NULL,
            UNIQUE (recipe_id, content_id)
        );
        CREATE INDEX region_by_content ON region (content_id, recipe_id, checksum);
        """,
    )


STEPS: Final[tuple[Callable[[Database], None], ...]] = (
    m001_roots_files_and_contents,
    m002_recipes_and_embeddings,
    m003_views,
    m004_settings,
    m005_identity_of_files,
    m006_embeddings_by_content,
    m007_identity_and_checksums,
    m008_fingerprints_and_verdicts,
    m009_indexes_of_filters,
    m010_regions,
)
