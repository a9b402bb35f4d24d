"""Rows of contents: the bytes that files hold, known by their hash."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import GalleryDamagedError
from imgsearch.images.metadata import Metadata
from imgsearch.storage.id_lists import in_parts
from imgsearch.storage.records import Content
from imgsearch.storage.typed_values import RowTypes

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

# By up to so much, a writer's first id is beyond the last one. Two writers that begin at the same
# last id, one before and one after the database was restored from a copy, meet once in 10**7 times
# if each adds 100,000 contents; ids suffice for 16 million writers.
LONGEST_LEAP: Final = 2**40
LARGEST_ID: Final = 2**63 - 1 - 2**50

_COLUMNS: Final = (
    "id, hash, bytes, width, height, format, taken, camera, lens, latitude, longitude, orientation"
)
_NONE: Final = type(None)
_TYPES: Final = RowTypes(
    "a content",
    *((int,), (str,), (int,), (int,), (int,), (str,)),
    *((str, _NONE), (str, _NONE), (str, _NONE)),
    *((float, _NONE), (float, _NONE), (int,)),
)
INSERT_CONTENT: Final = (
    "INSERT INTO content (id, hash, bytes, width, height, format, taken, camera, lens, latitude, "
    "longitude, orientation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def content_values(content: Content) -> tuple[object, ...]:
    """Return the values of a content's row, as `INSERT_CONTENT` takes them."""
    known = content.metadata
    return (
        content.id,
        content.hash,
        content.bytes,
        known.width,
        known.height,
        known.format,
        known.taken,
        known.camera,
        known.lens,
        known.latitude,
        known.longitude,
        known.orientation,
    )


class ContentRows:
    """The table *content*, over one connection."""

    connection: sqlite3.Connection
    _next_id: int | None = None

    def find_content(self, content_hash: str, recipe_id: int) -> tuple[int | None, bool]:
        """Return a content's id by its hash, and whether it has an embedding of the recipe."""
        row = self.connection.execute(
            "SELECT content.id, embedding.id IS NOT NULL FROM content LEFT JOIN embedding "
            "ON embedding.content_id = content.id AND embedding.recipe_id = ? "
            "WHERE content.hash = ?",
            (recipe_id, content_hash),
        ).fetchone()
        return (row[0], bool(row[1])) if row else (None, False)

    def content_id(self, content_hash: str) -> int | None:
        """Return a content's id by its hash, or None."""
        row = self.connection.execute(
            "SELECT id FROM content WHERE hash = ?", (content_hash,)
        ).fetchone()
        return int(row[0]) if row else None

    def add_content(self, content_hash: str, size: int, metadata: Metadata) -> int:
        """Add a content and return its id; a known one keeps its id.

        Ids ascend and never come twice, not even when the database is restored from a copy: a
        cache of the time in between would take another content for the one that it knows.
        """
        if self._next_id is None:
            self._next_id = self._first_id()
        (identifier,) = self.connection.execute(
            f"{INSERT_CONTENT} "
            "ON CONFLICT (hash) DO UPDATE SET bytes = excluded.bytes RETURNING id",
            content_values(Content(self._next_id, content_hash, size, metadata)),
        ).fetchone()
        # Not given back when the transaction fails.
        self._next_id += identifier == self._next_id
        return int(identifier)

    def _first_id(self) -> int:
        """Return an id that no writer, of this database or of another copy of it, has given."""
        row = self.connection.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = 'content'"
        ).fetchone()
        if row is None:
            # Nothing was ever added. Copies of the empty gallery become galleries of their own.
            self.connection.execute(
                "UPDATE setting SET value = lower(hex(randomblob(16))) WHERE name = 'gallery'"
            )
            return 1
        if type(row[0]) is not int or not 0 <= row[0] <= LARGEST_ID:
            raise GalleryDamagedError(
                f"gallery.db is damaged: {row[0]!r} is not the id of a content; restore a copy, or "
                "index into a new gallery"
            )
        return int(row[0]) + 1 + secrets.randbelow(LONGEST_LEAP)

    def contents(self, content_ids: Iterable[int]) -> dict[int, Content]:
        """Return contents by id; unknown ids are left out."""
        found = {}
        for marks, part in in_parts(content_ids):
            rows = self.connection.execute(
                f"SELECT {_COLUMNS} FROM content WHERE id IN ({marks})",  # noqa: S608 - question marks
                part,
            )
            for row in rows:
                fine = _TYPES.checked(row)
                found[fine[0]] = Content(fine[0], fine[1], fine[2], Metadata(*fine[3:]))
        return found

    def content_ids_where(self, condition: str, values: Sequence[object]) -> NDArray[np.int64]:
        """Return the ids `(n,)` of the contents for which an SQL condition holds.

        Args:
            condition: over the columns of `content`, with question marks for values.
            values: one for each question mark.
        """
        rows = self.connection.execute(
            f"SELECT id FROM content WHERE {condition}",  # noqa: S608 - conditions are code, their values are bound
            list(values),
        )
        return np.fromiter((row[0] for row in rows), dtype=np.int64)

    def content_ids_among(
        self, ids: Iterable[int], condition: str, values: Sequence[object]
    ) -> NDArray[np.int64]:
        """Return those of some ids for which a condition holds, as `content_ids_where`."""
        found: list[int] = []
        for marks, part in in_parts(ids):
            rows = self.connection.execute(
                f"SELECT id FROM content WHERE id IN ({marks}) AND ({condition})",  # noqa: S608 - as there
                [*part, *values],
            )
            found += [row[0] for row in rows]
        return np.array(found, dtype=np.int64)

    def first_ids(
        self, statement: str, most: int, values: Sequence[object] = ()
    ) -> NDArray[np.int64]:
        """Return the first ids that a statement, with one column `id`, gives; NULL is none."""
        # As one text: rows by themselves take more than twice the time.
        (text,) = self.connection.execute(
            f"SELECT group_concat(id) FROM ({statement} LIMIT ?)",  # noqa: S608 - as there
            [*values, most],
        ).fetchone()
        return np.fromstring(text or "", dtype=np.int64, sep=",")

    def content_sizes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the bytes of all contents `(n,)`, ascending, and their ids in the same order."""
        rows = self.connection.execute("SELECT bytes, id FROM content")
        pairs = np.fromiter(rows, dtype=np.dtype((np.int64, 2)))
        order = np.argsort(pairs[:, 0], kind="stable")
        return pairs[order, 0], pairs[order, 1]

    def embedded_hashes(self, ids: Iterable[int], recipe_id: int) -> list[str]:
        """Return the hashes of those of some contents that have an embedding of a recipe."""
        found: list[str] = []
        for marks, part in in_parts(ids):
            rows = self.connection.execute(
                "SELECT hash FROM content JOIN embedding ON content_id = content.id "  # noqa: S608 - question marks
                f"WHERE recipe_id = ? AND content.id IN ({marks})",
                [recipe_id, *part],
            )
            found += [row[0] for row in rows]
        return found

    def content_hashes(self) -> frozenset[str]:
        """Return the hashes of the contents that a file holds."""
        rows = self.connection.execute(
            "SELECT hash FROM content WHERE id NOT IN (SELECT id FROM orphan)"
        )
        return frozenset(row[0] for row in rows)

    def content_count(self, condition: str = "1", values: Sequence[object] = ()) -> int:
        """Return how many contents there are, with a file or without, as `content_ids_where`."""
        (count,) = self.connection.execute(
            f"SELECT COUNT(*) FROM content WHERE {condition}",  # noqa: S608 - as there
            list(values),
        ).fetchone()
        return int(count)

    def orphan_ids(self) -> set[int]:
        """Return the ids of the contents that no file holds."""
        return {row[0] for row in self.connection.execute("SELECT id FROM orphan")}
