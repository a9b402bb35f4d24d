"""The gallery's database: opened, changed in transactions, read in snapshots.

The modules `…_rows` hold the statements on one table or two; those on several are here.

Every change is made inside `Store.transaction`, whose COMMIT is the only commit point: after a
crash, a transaction is there as a whole or not at all.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from imgsearch.errors import GalleryDamagedError, ImgsearchError, NoGalleryError
from imgsearch.storage import schema
from imgsearch.storage.content_rows import ContentRows
from imgsearch.storage.embedding_rows import EmbeddingRows
from imgsearch.storage.file_rows import FileRows
from imgsearch.storage.fingerprint_rows import FingerprintRows
from imgsearch.storage.held_rows import HeldRows
from imgsearch.storage.records import Counts, Integrity
from imgsearch.storage.region_rows import RegionRows
from imgsearch.storage.sqlite_errors import (
    DATABASE,
    NOT_WRITABLE_CODES,
    DiskFullError,
    primary_code,
    translated_errors,
)
from imgsearch.storage.type_checks import mistyped_columns
from imgsearch.storage.verdict_rows import VerdictRows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

# Pages that a reader keeps, as far as it has met them: SQLite's default of 2 MiB holds too few, and
# an answer would read some thirty from the file again.
READER_CACHE_KIB: Final = 32_768


class Store(
    FileRows, ContentRows, HeldRows, EmbeddingRows, FingerprintRows, RegionRows, VerdictRows
):
    """The rows of one gallery, over one connection.

    A writer must hold the writer lock.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self.connection = connection
        self._in_turn = threading.RLock()

    @classmethod
    def create(cls, folder: Path) -> Store:
        """Open the gallery in a folder for writing; create it if it does not exist.

        Raises:
            GalleryDamagedError: the database is not a gallery's, is damaged, or was written by a
                newer imgsearch.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with translated_errors(folder, writing=True):
            connection = sqlite3.connect(
                folder / DATABASE, isolation_level=None, check_same_thread=False
            )
        try:
            with translated_errors(folder, writing=True):
                _distrust(connection)
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA foreign_keys = ON")
                # Before anything is changed, so that another program's database stays as it is.
                schema.refuse_strangers(connection)
                connection.execute("PRAGMA journal_mode = WAL")
                schema.bring_up_to_date(connection)
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open the gallery in a folder read-only, without ever waiting for a writer.

        Raises:
            NoGalleryError: there is none.
            GalleryDamagedError: the database is not a gallery's, is damaged, or was written by a
                newer imgsearch.
            ImgsearchError: the write-ahead log holds changes, and this user may not write there.
        """
        file = folder / DATABASE
        none = NoGalleryError(
            f"no gallery in {folder}: make one with `imgsearch index FOLDER`, or name "
            "another with --gallery"
        )
        if not file.is_file():
            raise none
        # On a read-only medium or a full one SQLite can't create its shared-memory file; nobody can
        # write there either, so the database may be read as immutable.
        for mode in ("mode=ro", "immutable=1"):
            with translated_errors(folder):
                connection = sqlite3.connect(
                    f"{file.absolute().as_uri()}?{mode}",
                    uri=True,
                    isolation_level=None,
                    check_same_thread=False,
                )
            try:
                with translated_errors(folder):
                    _distrust(connection)
                    connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
                    if schema.refuse_strangers(connection):
                        raise none  # noqa: TRY301 - the handler below closes the connection
            except (sqlite3.OperationalError, DiskFullError) as error:
                connection.close()
                is_full = isinstance(error, DiskFullError)
                readable = is_full or primary_code(error) in NOT_WRITABLE_CODES
                if not readable or mode == "immutable=1":
                    raise
                log = folder / f"{DATABASE}-wal"
                if log.is_file() and log.stat().st_size:
                    if is_full:
                        raise
                    raise ImgsearchError(
                        f"{log} holds changes that this user may not apply: run `imgsearch index` "
                        f"once as a user who may write in {folder}"
                    ) from error
            except BaseException:
                connection.close()
                raise
            else:
                store = cls(connection)
                store._remembered = {}
                return store
        raise AssertionError  # the second mode returns or raises

    @classmethod
    def in_memory(cls) -> Store:
        """Return the rows of an empty gallery that is never written to disk (for dry runs)."""
        connection = sqlite3.connect(":memory:", isolation_level=None)
        schema.bring_up_to_date(connection)
        return cls(connection)

    def close(self) -> None:
        """Close the connection; what is not committed is lost."""
        self.connection.close()

    @contextmanager
    def transaction(self, *, dry_run: bool = False) -> Iterator[None]:
        """Commit all changes made in the `with` block, or, if it raises, none of them.

        A nested block is part of the outer transaction.

        Args:
            dry_run: roll everything back at the end.
        """
        if self.connection.in_transaction:
            yield
            return
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            # After some errors, such as a full disk, SQLite has rolled back by itself.
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("ROLLBACK" if dry_run else "COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one state of the gallery throughout the `with` block, whatever writers do.

        Threads that share the store wait for each other.
        """
        with self._in_turn:
            self._begin_reading()
            try:
                yield
            finally:
                self.connection.execute("ROLLBACK")

    def counts(self) -> Counts:
        """Return the sizes of the gallery's tables."""
        # Counted in indexes alone: `orphan` asks for each content by itself.
        files, contents, unreadable, held = self.connection.execute(
            "SELECT (SELECT COUNT(*) FROM file), (SELECT COUNT(*) FROM content), "
            "(SELECT COUNT(*) FROM file WHERE reason IS NOT NULL), "
            "(SELECT COUNT(DISTINCT content_id) FROM file)"
        ).fetchone()
        return Counts(files, contents, unreadable, contents - held)

    def data_version(self) -> str:
        """Return what changes whenever another connection has committed; of this one alone."""
        (version,) = self.connection.execute("PRAGMA data_version").fetchone()
        return str(version)

    def setting(self, name: str) -> str | None:
        """Return the setting of that name, or None."""
        row = self.connection.execute(
            "SELECT value FROM setting WHERE name = ?", (name,)
        ).fetchone()
        return str(row[0]) if row else None

    def set_setting(self, name: str, value: str) -> None:
        """Store a setting."""
        self.connection.execute(
            "INSERT INTO setting (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def remove_orphans(self, *, keep: Collection[int] = ()) -> int:
        """Delete the contents that no file holds, with their embeddings; return how many.

        Args:
            keep: ids of orphans that stay.
        """
        doomed = self.orphan_ids().difference(keep)
        self.connection.execute("CREATE TEMP TABLE IF NOT EXISTS doomed (id INTEGER PRIMARY KEY)")
        self.connection.execute("DELETE FROM temp.doomed")
        self.connection.executemany(
            "INSERT INTO temp.doomed VALUES (?)", [(content_id,) for content_id in doomed]
        )
        for recipe_id in self.remove_doomed_embeddings():
            self.raise_generation(recipe_id)
        self.connection.execute("DELETE FROM content WHERE id IN (SELECT id FROM temp.doomed)")
        return len(doomed)

    def integrity(self) -> Integrity:
        """Return what checks of pages, indexes, foreign keys and types find."""
        try:
            lines = [row[0] for row in self.connection.execute("PRAGMA integrity_check")]
            broken = self.connection.execute("PRAGMA foreign_key_check").fetchall()
            mistyped = [
                f"{count} values of {column} are of another type than the column's"
                for column, count in mistyped_columns(self.connection)
            ]
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            return Integrity(problems=(str(error),))
        return Integrity(
            problems=(*(line for line in lines if line != "ok"), *mistyped),
            indexes_only=all("index" in line for line in lines) and not mistyped,
            dangling_rows=len(broken),
            dangling_tables=tuple(sorted({row[0] for row in broken})),
            dangling_embeddings=len({row[1] for row in broken if row[0] == "embedding"}),
        )

    def remove_dangling_rows(self) -> None:
        """Delete rows that refer to missing ones; a file whose content is missing is kept."""
        for statement in (
            "DELETE FROM embedding WHERE content_id NOT IN (SELECT id FROM content)",
            "DELETE FROM embedding WHERE recipe_id NOT IN (SELECT id FROM recipe)",
            "DELETE FROM file WHERE root_id NOT IN (SELECT id FROM root)",
            "DELETE FROM fingerprint WHERE content_id NOT IN (SELECT id FROM content)",
            "DELETE FROM calibration WHERE recipe_id NOT IN (SELECT id FROM recipe)",
            "DELETE FROM region WHERE content_id NOT IN (SELECT id FROM content)",
            "DELETE FROM region WHERE recipe_id NOT IN (SELECT id FROM recipe)",
            "DELETE FROM region_recipe WHERE recipe_id NOT IN (SELECT id FROM recipe)",
            # A size that can't be true makes the next run read the file again.
            (
                "UPDATE file SET content_id = NULL, size = -1 WHERE content_id IS NOT NULL "
                "AND content_id NOT IN (SELECT id FROM content)"
            ),
        ):
            self.connection.execute(statement)

    def rebuild_indexes(self) -> None:
        """Rebuild SQLite's own indexes from the rows.

        Raises:
            GalleryDamagedError: the rows break a UNIQUE constraint.
        """
        try:
            self.connection.execute("REINDEX")
        except sqlite3.IntegrityError as error:
            raise GalleryDamagedError(
                f"gallery.db is damaged ({error}) and can't be repaired: restore a copy, or "
                "index into a new gallery"
            ) from error

    def compact(self) -> None:
        """Give free pages, and the write-ahead log, back to the file system."""
        self.connection.execute("VACUUM")
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _distrust(connection: sqlite3.Connection) -> None:
    """Let nothing in the file call functions, and have SQLite check pages as it reads them."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
