"""The gallery's rows: roots, files, contents, recipes and embeddings. The truth.

Every change is made inside `Store.transaction`, whose COMMIT is the only commit point: what it
covers is there after a crash, whole, and what it does not cover never was.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import paths, schema
from imgsearch.errors import (
    GalleryDamagedError,
    GalleryLockedError,
    ImgsearchError,
    NoGalleryError,
)
from imgsearch.metadata import Metadata
from imgsearch.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

DATABASE: Final = "gallery.db"
UNIT_TOLERANCE: Final = 1e-3
NOT_WRITABLE_CODES: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)

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


@dataclass(frozen=True, slots=True)
class Root:
    """A registered photo folder.

    Attributes:
        id: row id.
        path: absolute path.
        recursive: False when only files that were named one by one belong to it.
        exclude: glob patterns of what is left out.
        follow_symlinks: whether symbolic links are followed.
    """

    id: int
    path: Path
    recursive: bool
    exclude: tuple[str, ...] = ()
    follow_symlinks: bool = False

    @property
    def online(self) -> bool:
        """Whether the folder is there now, and holds anything.

        An unplugged drive leaves an empty folder at its mount point.
        """
        try:
            with os.scandir(self.path) as listing:
                return next(listing, None) is not None
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class StoredRecipe:
    """A recipe with its row id, its rank and its generation.

    Attributes:
        id: row id.
        recipe: the recipe itself.
        primary: whether queries use it when none is named.
        generation: raised by every commit that adds or removes embeddings of this recipe.
    """

    id: int
    recipe: Recipe
    primary: bool
    generation: int


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes that one or many files hold.

    Attributes:
        id: row id.
        hash: SHA-256 of the bytes, 64 hexadecimal digits.
        bytes: how many there are.
        metadata: what the picture says of itself.
    """

    id: int
    hash: str
    bytes: int
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Counts:
    """How many files, contents, files that cannot be read, and contents without a file."""

    files: int
    contents: int
    unreadable: int
    orphans: int


@dataclass(frozen=True, slots=True)
class ScannedRow:
    """A file as it was scanned: root id, stored relative path, bytes, modification time."""

    root_id: int
    path: bytes
    size: int
    mtime_ns: int


class Store:
    """The rows of one gallery, over one connection.

    A writer must hold the writer lock. A reader's `snapshot` sees one state throughout.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._in_turn = threading.RLock()

    @classmethod
    def create(cls, folder: Path) -> Store:
        """Open the gallery in a folder for writing; make it when it is not there.

        Raises:
            GalleryDamagedError: the database is not a gallery's, is damaged, or is newer.
        """
        from sqlite_utils import Database

        folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            folder / DATABASE, isolation_level=None, check_same_thread=False
        )
        try:
            with translated_errors(folder):
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA foreign_keys = ON")
                # First of all, so that another program's database is left as it is.
                schema.bring_up_to_date(Database(connection, execute_plugins=False))
                connection.execute("PRAGMA journal_mode = WAL")
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open the gallery in a folder for reading only; never waits for a writer.

        Raises:
            NoGalleryError: there is none.
            GalleryDamagedError: the database is not a gallery's, is damaged, or is newer.
            ImgsearchError: changes wait to be taken up where this user may not write.
        """
        file = folder / DATABASE
        # It is empty where a first run was cut off before it had made the tables.
        if not file.is_file() or not file.stat().st_size:
            raise NoGalleryError(
                f"no gallery in {folder}: make one with `imgsearch index FOLDER`, or name "
                "another with --gallery"
            )
        # On a read-only medium SQLite can't make its shared-memory file; nobody can write
        # there either, so the database may be taken as it lies.
        for mode in ("mode=ro", "immutable=1"):
            connection = sqlite3.connect(
                f"{file.absolute().as_uri()}?{mode}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                with translated_errors(folder):
                    (version,) = connection.execute("PRAGMA user_version").fetchone()
                    (mark,) = connection.execute("PRAGMA application_id").fetchone()
                    schema.verify(mark, version)
            except sqlite3.OperationalError as error:
                connection.close()
                if _primary_code(error) not in NOT_WRITABLE_CODES or mode == "immutable=1":
                    raise
                log = folder / f"{DATABASE}-wal"
                if log.is_file() and log.stat().st_size:
                    raise ImgsearchError(
                        f"{log} holds changes that nobody may take up here: run `imgsearch info` "
                        f"once as a user who may write in {folder}"
                    ) from error
            except BaseException:
                connection.close()
                raise
            else:
                return cls(connection)
        raise AssertionError  # the second mode returns or raises

    @classmethod
    def in_memory(cls) -> Store:
        """Return an empty gallery's rows that are never written anywhere (for dry runs)."""
        from sqlite_utils import Database

        connection = sqlite3.connect(":memory:", isolation_level=None)
        schema.bring_up_to_date(Database(connection, execute_plugins=False))
        return cls(connection)

    def close(self) -> None:
        """Close the connection; what was not committed is gone."""
        self.connection.close()

    @contextmanager
    def transaction(self, *, dry_run: bool = False) -> Iterator[None]:
        """Commit all changes made in the `with` block, or none of them.

        An inner block belongs to the outer one's commit.

        Args:
            dry_run: undo everything at the end.
        """
        if self.connection.in_transaction:
            yield
            return
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            # A full disk, for one, has made SQLite roll back by itself.
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("ROLLBACK" if dry_run else "COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one state of the gallery throughout the `with` block, whatever writers do.

        Threads that share the store take turns.
        """
        with self._in_turn:
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                self.connection.execute("ROLLBACK")

    # Roots

    def roots(self) -> list[Root]:
        """Return the registered photo folders, by path."""
        rows = self.connection.execute(
            "SELECT id, path, recursive, exclude, follow_symlinks FROM root ORDER BY path"
        )
        return [
            Root(
                id=identifier,
                path=paths.decode(path),
                recursive=bool(recursive),
                exclude=_patterns(exclude),
                follow_symlinks=bool(follow_symlinks),
            )
            for identifier, path, recursive, exclude, follow_symlinks in rows
        ]

    def add_root(self, path: Path, *, recursive: bool) -> Root:
        """Register a photo folder that is not registered yet."""
        cursor = self.connection.execute(
            "INSERT INTO root (path, recursive, exclude, follow_symlinks) VALUES (?, ?, '[]', 0)",
            (paths.encode(path), recursive),
        )
        return Root(id=cursor.lastrowid or 0, path=path, recursive=recursive)

    def update_root(self, root: Root) -> None:
        """Write a registered folder's path and options."""
        self.connection.execute(
            "UPDATE root SET path = ?, recursive = ?, exclude = ?, follow_symlinks = ? "
            "WHERE id = ?",
            (
                paths.encode(root.path),
                root.recursive,
                json.dumps(root.exclude),
                root.follow_symlinks,
                root.id,
            ),
        )

    def absorb_root(self, inner: Root, outer: Root) -> None:
        """Give a root's files to another root that contains it, and forget the inner one."""
        prefix = paths.relative_to(inner.path, outer.path)
        self.connection.execute(
            "UPDATE OR REPLACE file SET root_id = ?, path = CAST(? || path AS BLOB) "
            "WHERE root_id = ?",
            (outer.id, b"" if not prefix else prefix + b"/", inner.id),
        )
        self.connection.execute("DELETE FROM root WHERE id = ?", (inner.id,))

    # Files

    def put_file(
        self,
        file_id: int | None,
        row: ScannedRow,
        *,
        content_id: int | None,
        reason: str | None = None,
        decoders: str | None = None,
    ) -> None:
        """Write what is known of a file, over its row or as a new one.

        Args:
            file_id: the row to write over; None for a path that is new.
            row: where the file is, and its size and time.
            content_id: what it holds, as far as that could be read.
            reason: why it could not be read or decoded.
            decoders: by which decoders it could not.
        """
        values = (row.root_id, row.path, row.size, row.mtime_ns, content_id, reason, decoders)
        if file_id is None:
            self.connection.execute(
                "INSERT INTO file (root_id, path, size, mtime_ns, content_id, reason, decoders) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        else:
            self.connection.execute(
                "UPDATE file SET root_id = ?, path = ?, size = ?, mtime_ns = ?, content_id = ?, "
                "reason = ?, decoders = ? WHERE id = ?",
                (*values, file_id),
            )

    def file_count(self, root_id: int, below: bytes = b"") -> int:
        """Return how many files the gallery knows in a root, or beneath a folder of it."""
        (count,) = self.connection.execute(
            "SELECT COUNT(*) FROM file "
            "WHERE root_id = ? AND (path = ? OR (path >= ? AND path < ?))",
            (root_id, below, *paths.beneath(below)),
        ).fetchone()
        return int(count)

    def unreadable(self, root: Root, below: bytes = b"") -> Iterator[tuple[Path, str]]:
        """Yield the files of a root that could not be decoded, by path, with the reasons."""
        rows = self.connection.execute(
            "SELECT path, reason FROM file WHERE root_id = ? AND reason IS NOT NULL "
            "AND (path = ? OR (path >= ? AND path < ?)) ORDER BY path",
            (root.id, below, *paths.beneath(below)),
        )
        for path, reason in rows:
            yield paths.join(paths.encode(root.path), path), reason

    # Recipes

    def recipes(self) -> list[StoredRecipe]:
        """Return the gallery's recipes, the primary one first."""
        rows = self.connection.execute(
            "SELECT id, recipe, is_primary, generation FROM recipe ORDER BY is_primary DESC, id"
        )
        return [
            StoredRecipe(identifier, Recipe.from_json(text), bool(primary), generation)
            for identifier, text, primary, generation in rows
        ]

    def add_recipe(self, recipe: Recipe) -> StoredRecipe:
        """Keep a recipe; the first one becomes the primary. Known recipes are returned."""
        self.connection.execute(
            "INSERT INTO recipe (identifier, recipe, is_primary, generation) "
            "VALUES (?, ?, NOT EXISTS (SELECT 1 FROM recipe), 0) "
            "ON CONFLICT (identifier) DO UPDATE SET recipe = excluded.recipe",
            (recipe.identifier, recipe.to_json()),
        )
        return next(stored for stored in self.recipes() if stored.recipe == recipe)

    def raise_generation(self, recipe_id: int) -> None:
        """Mark the caches of a recipe as older than its embeddings."""
        self.connection.execute(
            "UPDATE recipe SET generation = generation + 1 WHERE id = ?", (recipe_id,)
        )

    # Contents and embeddings

    def find_content(self, content_hash: str, recipe_id: int) -> tuple[int | None, bool]:
        """Return a content's id by its hash, and whether it has an embedding of the recipe."""
        row = self.connection.execute(
            "SELECT content.id, embedding.id IS NOT NULL FROM content LEFT JOIN embedding "
            "ON embedding.content_id = content.id AND embedding.recipe_id = ? "
            "WHERE content.hash = ?",
            (recipe_id, content_hash),
        ).fetchone()
        return (row[0], bool(row[1])) if row else (None, False)

    def add_content(self, content_hash: str, size: int, metadata: Metadata) -> int:
        """Keep a content and return its id; a known one keeps its id."""
        (identifier,) = self.connection.execute(
            "INSERT INTO content (hash, bytes, width, height, format, taken, camera, lens, "
            "latitude, longitude, orientation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (hash) DO UPDATE SET bytes = excluded.bytes RETURNING id",
            (
                content_hash,
                size,
                metadata.width,
                metadata.height,
                metadata.format,
                metadata.taken,
                metadata.camera,
                metadata.lens,
                metadata.latitude,
                metadata.longitude,
                metadata.orientation,
            ),
        ).fetchone()
        return int(identifier)

    def add_embedding(self, recipe_id: int, content_id: int, vector: NDArray[np.float32]) -> None:
        """Keep a content's embedding `(dim,)` under a recipe, as little-endian float32."""
        self.connection.execute(
            "INSERT INTO embedding (recipe_id, content_id, vector) VALUES (?, ?, ?)",
            (recipe_id, content_id, vector.astype("<f4").tobytes()),
        )

    def embedding(self, recipe: StoredRecipe, content_id: int) -> NDArray[np.float32] | None:
        """Return a content's embedding `(dim,)` under a recipe, or None."""
        row = self.connection.execute(
            "SELECT vector FROM embedding WHERE recipe_id = ? AND content_id = ?",
            (recipe.id, content_id),
        ).fetchone()
        return _vectors(row, recipe)[0] if row else None

    def embedded_ids(self, recipe_id: int) -> NDArray[np.int64]:
        """Return the ids `(n,)` of the contents that have an embedding, ascending."""
        rows = self.connection.execute(
            "SELECT content_id FROM embedding WHERE recipe_id = ? ORDER BY content_id",
            (recipe_id,),
        )
        return np.fromiter((row[0] for row in rows), dtype=np.int64)

    def sample_ids(self, recipe_id: int, size: int) -> list[int]:
        """Return the ids of the embedded contents with the smallest hashes, `size` at most.

        They are a uniform sample that depends on what the gallery holds, not on how it came
        to hold it.
        """
        rows = self.connection.execute(
            "SELECT content.id FROM content JOIN embedding "
            "ON embedding.content_id = content.id AND embedding.recipe_id = ? "
            "ORDER BY content.hash LIMIT ?",
            (recipe_id, size),
        )
        return [row[0] for row in rows]

    def embeddings(
        self, recipe: StoredRecipe, content_ids: Sequence[int] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield blocks of content ids `(m,)` and embeddings `(m, dim)`, ids ascending.

        Args:
            recipe: whose embeddings.
            content_ids: only these, in any order; None for all.

        Raises:
            GalleryDamagedError: a stored vector has not the recipe's dim.
        """
        last = -1
        wanted = None if content_ids is None else sorted(content_ids)
        block = 4096
        while True:
            if wanted is None:
                rows = self.connection.execute(
                    "SELECT content_id, vector FROM embedding WHERE recipe_id = ? "
                    "AND content_id > ? ORDER BY content_id LIMIT ?",
                    (recipe.id, last, block),
                ).fetchall()
            else:
                part, wanted = wanted[:512], wanted[512:]
                marks = ",".join("?" * len(part))
                rows = self.connection.execute(
                    "SELECT content_id, vector FROM embedding WHERE recipe_id = ? "  # noqa: S608 - only question marks are put in
                    f"AND content_id IN ({marks}) ORDER BY content_id",
                    (recipe.id, *(int(value) for value in part)),
                ).fetchall()
            if rows:
                last = rows[-1][0]
                identifiers = np.array([row[0] for row in rows], dtype=np.int64)
                yield identifiers, _vectors([row[1] for row in rows], recipe)
            if (not rows and wanted is None) or (wanted is not None and not wanted):
                return

    def contents(self, content_ids: Iterable[int]) -> dict[int, Content]:
        """Return contents by id; unknown ids are left out."""
        found = {}
        for identifier in content_ids:
            row = self.connection.execute(
                "SELECT id, hash, bytes, width, height, format, taken, camera, lens, latitude, "
                "longitude, orientation FROM content WHERE id = ?",
                (int(identifier),),
            ).fetchone()
            if row:
                found[row[0]] = Content(row[0], row[1], row[2], Metadata(*row[3:]))
        return found

    def files_of_contents(self, content_ids: Iterable[int]) -> dict[int, list[tuple[int, bytes]]]:
        """Return, by content id, the root ids and stored paths of the files that hold it."""
        return {
            identifier: self.connection.execute(
                "SELECT root_id, path FROM file WHERE content_id = ?", (identifier,)
            ).fetchall()
            for identifier in content_ids
        }

    def content_ids_where(self, condition: str, values: Sequence[object]) -> NDArray[np.int64]:
        """Return the ids `(n,)` of the contents for which an SQL condition holds.

        Args:
            condition: over the columns of `content`, with question marks for values.
            values: one for each question mark.
        """
        rows = self.connection.execute(
            f"SELECT id FROM content WHERE {condition}",  # noqa: S608 - conditions are the caller's own words
            list(values),
        )
        return np.fromiter((row[0] for row in rows), dtype=np.int64)

    def content_of_file(self, root_id: int, row: ScannedRow) -> int | None:
        """Return the content of a file whose size and time are as they were when indexed."""
        found = self.connection.execute(
            "SELECT content_id FROM file WHERE root_id = ? AND path = ? AND size = ? "
            "AND mtime_ns = ?",
            (root_id, row.path, row.size, row.mtime_ns),
        ).fetchone()
        return found[0] if found else None

    # Looking after it

    def counts(self) -> Counts:
        """Return how much the gallery holds."""
        row = self.connection.execute(
            "SELECT (SELECT COUNT(*) FROM file), (SELECT COUNT(*) FROM content), "
            "(SELECT COUNT(*) FROM file WHERE reason IS NOT NULL), "
            "(SELECT COUNT(*) FROM orphan)"
        ).fetchone()
        return Counts(*row)

    def embedding_count(self, recipe_id: int) -> int:
        """Return how many contents have an embedding of a recipe."""
        (count,) = self.connection.execute(
            "SELECT COUNT(*) FROM embedding WHERE recipe_id = ?", (recipe_id,)
        ).fetchone()
        return int(count)

    def held_ids(self, recipe_id: int) -> list[int]:
        """Return the ids of the contents that have an embedding and a file, by hash."""
        rows = self.connection.execute(
            "SELECT content.id FROM content JOIN embedding "
            "ON embedding.content_id = content.id AND embedding.recipe_id = ? "
            "WHERE content.id NOT IN (SELECT id FROM orphan) ORDER BY content.hash",
            (recipe_id,),
        )
        return [row[0] for row in rows]

    def file_paths(self, root_id: int) -> Iterator[bytes]:
        """Yield the stored paths of a root's files."""
        for (path,) in self.connection.execute(
            "SELECT path FROM file WHERE root_id = ? ORDER BY path", (root_id,)
        ):
            yield path

    def remove_files(self, root_id: int, below: bytes) -> int:
        """Forget a file, or the files beneath a folder of a root; return how many."""
        return self.connection.execute(
            "DELETE FROM file WHERE root_id = ? AND (path = ? OR (path >= ? AND path < ?))",
            (root_id, below, *paths.beneath(below)),
        ).rowcount

    def remove_root(self, root_id: int) -> None:
        """Forget a root and its files."""
        self.connection.execute("DELETE FROM root WHERE id = ?", (root_id,))

    def orphan_ids(self) -> set[int]:
        """Return the ids of the contents that no file holds."""
        return {row[0] for row in self.connection.execute("SELECT id FROM orphan")}

    def remove_orphans(self, *, keep: Collection[int] = ()) -> int:
        """Drop the contents that no file holds, with their embeddings; return how many.

        Args:
            keep: ids of those that stay all the same.
        """
        doomed = [(identifier,) for identifier in self.orphan_ids().difference(keep)]
        touched = {
            recipe_id
            for identifier in doomed
            for (recipe_id,) in self.connection.execute(
                "SELECT recipe_id FROM embedding WHERE content_id = ?", identifier
            )
        }
        for recipe_id in sorted(touched):
            self.raise_generation(recipe_id)
        self.connection.executemany("DELETE FROM content WHERE id = ?", doomed)
        return len(doomed)

    def remove_embedding(self, recipe_id: int, content_id: int) -> None:
        """Drop one embedding."""
        self.connection.execute(
            "DELETE FROM embedding WHERE recipe_id = ? AND content_id = ?", (recipe_id, content_id)
        )

    def remove_dangling_rows(self) -> None:
        """Drop rows that refer to rows that are not there."""
        for statement in (
            "DELETE FROM embedding WHERE content_id NOT IN (SELECT id FROM content)",
            "DELETE FROM embedding WHERE recipe_id NOT IN (SELECT id FROM recipe)",
            "DELETE FROM file WHERE root_id NOT IN (SELECT id FROM root)",
            # Without a size and time that fit, the next run reads the file again.
            (
                "UPDATE file SET content_id = NULL, size = -1 WHERE content_id IS NOT NULL "
                "AND content_id NOT IN (SELECT id FROM content)"
            ),
        ):
            self.connection.execute(statement)

    def bad_embeddings(self, recipe: StoredRecipe) -> list[int]:
        """Return the ids of the contents whose embedding is no unit vector of the right dim."""
        bad = []
        rows = self.connection.execute(
            "SELECT content_id, vector FROM embedding WHERE recipe_id = ?", (recipe.id,)
        )
        for content_id, blob in rows:
            if len(blob) != 4 * recipe.recipe.dim:
                bad.append(content_id)
                continue
            vector = np.frombuffer(blob, dtype="<f4").astype(np.float64)
            # A picture whose activations are all zero has the zero vector for an embedding.
            length = float(np.dot(vector, vector))
            if not (abs(length - 1) < UNIT_TOLERANCE or length == 0):
                bad.append(content_id)
        return bad

    def rebuild_indexes(self) -> None:
        """Make SQLite's own indexes again from the rows.

        Raises:
            GalleryDamagedError: rows that must differ are the same.
        """
        try:
            self.connection.execute("REINDEX")
        except sqlite3.IntegrityError as error:
            raise GalleryDamagedError(
                f"gallery.db is damaged ({error}) and can't be repaired: restore a copy, or "
                "index into a new gallery"
            ) from error

    def compact(self) -> None:
        """Give free pages back to the file system."""
        self.connection.execute("VACUUM")
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _patterns(text: str) -> tuple[str, ...]:
    try:
        return tuple(json.loads(text))
    except (ValueError, TypeError) as error:
        raise GalleryDamagedError(
            f"the patterns that a root leaves out cannot be read ({error})"
        ) from error


def _vectors(blobs: Sequence[bytes], recipe: StoredRecipe) -> NDArray[np.float32]:
    dim = recipe.recipe.dim
    if any(len(blob) != 4 * dim for blob in blobs):
        raise GalleryDamagedError(
            f"an embedding of recipe {recipe.recipe.identifier} has not {dim} values: "
            "run `imgsearch check --repair`"
        )
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), dim).astype(np.float32)


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
        code = _primary_code(error)
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


def _primary_code(error: Exception) -> int:
    # Python tells the extended code, whose last byte is the kind of error; errors of Python's
    # own, such as text that is no UTF-8 or the use of a closed connection, have none.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
