"""Rows of fingerprints: what is kept of a content's image to tell what it is the same as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import GalleryDamagedError
from imgsearch.images.fingerprints import HASH_BYTES, VERSION, Fingerprint

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Of this version's fingerprints; what is older is as if it were not there.
_HELD: Final = f"fingerprint.version = {VERSION}"


class FingerprintRows:
    """The table *fingerprint*, over one connection."""

    connection: sqlite3.Connection

    def put_fingerprint(self, content_id: int, fingerprint: Fingerprint) -> None:
        """Store a content's fingerprint, in place of an older version's."""
        self.connection.execute(
            "INSERT OR REPLACE INTO fingerprint (content_id, version, hash, rendering) "
            "VALUES (?, ?, ?, ?)",
            (content_id, VERSION, fingerprint.hash, fingerprint.rendering),
        )

    def contents_without_fingerprint(self) -> list[int]:
        """Return the ids of the contents in a file that have no fingerprint, ascending."""
        return [
            row[0]
            for row in self.connection.execute(
                "SELECT DISTINCT content_id FROM file WHERE content_id IS NOT NULL AND NOT EXISTS "
                "(SELECT 1 FROM fingerprint WHERE content_id = file.content_id AND version = ?) "
                "ORDER BY content_id",
                (VERSION,),
            )
        ]

    def perceptual_hashes(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return the ids `(n,)`, ascending, and hashes `(n, HASH_BYTES)` of all contents in a file.

        Raises:
            GalleryDamagedError: a hash is of another length.
        """
        if not has_table(self.connection, "fingerprint"):
            return np.empty(0, np.int64), np.empty((0, HASH_BYTES), np.uint8)
        rows = self.connection.execute(
            f"SELECT content_id, hash FROM fingerprint WHERE {_HELD} "  # noqa: S608 - a constant
            "AND EXISTS (SELECT 1 FROM file WHERE file.content_id = fingerprint.content_id) "
            "ORDER BY content_id"
        ).fetchall()
        if any(type(row[1]) is not bytes or len(row[1]) != HASH_BYTES for row in rows):
            raise _damaged()
        ids = np.array([row[0] for row in rows], np.int64)
        hashes = np.frombuffer(b"".join(row[1] for row in rows), np.uint8)
        return ids, hashes.reshape(len(rows), HASH_BYTES)

    def renderings(self, content_ids: Sequence[int]) -> dict[int, bytes]:
        """Return encoded renderings by content id; contents without one are left out.

        Raises:
            GalleryDamagedError: a rendering is not made of bytes.
        """
        found: dict[int, bytes] = {}
        for start in range(0, len(content_ids), 512):
            part = [int(value) for value in content_ids[start : start + 512]]
            marks = ",".join("?" * len(part))
            found.update(
                self.connection.execute(
                    f"SELECT content_id, rendering FROM fingerprint WHERE {_HELD} "  # noqa: S608 - a constant and question marks
                    f"AND content_id IN ({marks})",
                    part,
                ).fetchall()
            )
        if any(type(rendering) is not bytes for rendering in found.values()):
            raise _damaged()
        return found


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Tell whether a database, which may be older than this program, has a table."""
    row = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)
    ).fetchone()
    return row is not None


def _damaged() -> GalleryDamagedError:
    return GalleryDamagedError(
        "gallery.db is damaged: a fingerprint is not as it was written; restore a copy, or index "
        "into a new gallery"
    )
