"""Rows of what was decided about pairs of contents, and of how sure the evidence is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgsearch.storage.fingerprint_rows import has_table

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True)
class Verdict:
    """A person said that two contents are not the same.

    Attributes:
        one: the smaller of the two hashes, 64 hexadecimal digits.
        other: the larger.
        made: when, UTC, "2024-05-01T12:00:00Z".
    """

    one: str
    other: str
    made: str


class VerdictRows:
    """The tables *verdict* and *calibration*, over one connection."""

    connection: sqlite3.Connection

    def verdicts(self) -> list[Verdict]:
        """Return what was said of pairs of contents, by their hashes."""
        if not has_table(self.connection, "verdict"):
            return []
        rows = self.connection.execute("SELECT one, other, made FROM verdict ORDER BY one, other")
        return [Verdict(*row) for row in rows]

    def add_verdict(self, one: str, other: str, *, made: str | None = None) -> bool:
        """Remember that two contents are not the same; return whether that is something new.

        Args:
            one: the hash of one of them.
            other: of the other.
            made: when that was said, as in `Verdict`; None for now.
        """
        cursor = self.connection.execute(
            "INSERT INTO verdict (one, other, made) "
            "VALUES (?, ?, COALESCE(?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))) "
            "ON CONFLICT (one, other) DO NOTHING",
            (min(one, other), max(one, other), made),
        )
        return cursor.rowcount > 0

    def remove_verdict(self, one: str, other: str) -> bool:
        """Forget what was said of two contents; return whether there was something."""
        cursor = self.connection.execute(
            "DELETE FROM verdict WHERE one = ? AND other = ?", (min(one, other), max(one, other))
        )
        return cursor.rowcount > 0

    def calibration(self, recipe_id: int) -> str | None:
        """Return a recipe's calibration as it was stored, or None."""
        if not has_table(self.connection, "calibration"):
            return None
        row = self.connection.execute(
            "SELECT calibration FROM calibration WHERE recipe_id = ?", (recipe_id,)
        ).fetchone()
        return str(row[0]) if row else None

    def calibrated_at(self, recipe_id: int) -> str | None:
        """Return when a recipe's calibration was made, UTC, or None."""
        if not has_table(self.connection, "calibration"):
            return None
        row = self.connection.execute(
            "SELECT made FROM calibration WHERE recipe_id = ?", (recipe_id,)
        ).fetchone()
        return str(row[0]) if row else None

    def put_calibration(self, recipe_id: int, calibration: str) -> None:
        """Store a recipe's calibration, and when, in place of an earlier one."""
        self.connection.execute(
            "INSERT OR REPLACE INTO calibration (recipe_id, made, calibration) "
            "VALUES (?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?)",
            (recipe_id, calibration),
        )
