"""Rows of contents: the bytes that files hold, known by their hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imgsearch.images.metadata import Metadata
from imgsearch.storage.records import Content

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


class ContentRows:
    """The table *content*, over one connection."""

    connection: sqlite3.Connection

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
        """Add a content and return its id; a known one keeps its id."""
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
