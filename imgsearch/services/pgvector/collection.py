"""Searching a collection in one snapshot: exactly where few pass, else through the HNSW index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from imgsearch.services.conditions import AllOf
from imgsearch.services.entries import EntryFile, Nearest
from imgsearch.services.pgvector.rows import entries_of, vector_text
from imgsearch.services.pgvector.statements import (
    COLUMNS,
    EVERYTHING_SQL,
    condition_sql,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Collection as Several

    import numpy as np
    from numpy.typing import NDArray
    from psycopg import Connection

    from imgsearch.services.conditions import Condition
    from imgsearch.services.entries import Description, Entry

# So many entries are compared one by one; the iterative scan would fill k with the wrong ones.
MOST_COMPARED: Final = 20_000
# pgvector's own bound of hnsw.ef_search, and what is asked for without and with a condition: at
# 50,000 of benchmarks/services.py 100 found 0.989 of the nearest, 200 0.993, 400 0.998.
LARGEST_EF: Final = 1000
EF: Final = 200
EF_FILTERED: Final = 400
# How many more candidates than are wanted the index names, as its scores are no final ones.
SPARE: Final = 20


@dataclass(frozen=True, slots=True)
class PgCollection:
    """A `Collection` within a transaction that only reads.

    Attributes:
        connection: in a snapshot, with the version's tables locked against being dropped.
        number: of the version.
        description: of it.
        indexed: whether there is an HNSW index.
    """

    connection: Connection[Any]
    number: int
    description: Description
    indexed: bool

    def search(self, vector: NDArray[np.float32], width: int, where: Condition) -> Nearest:
        """Return the entries of largest inner product that pass a condition."""
        given, values = condition_sql(where, self.number)
        asked = vector_text(vector)
        ef = EF if where == AllOf() else EF_FILTERED
        if self.indexed and width + SPARE <= LARGEST_EF and self._are_many(given, values):
            self._set_index(max(ef, width + SPARE))
            few, its = condition_sql(where, self.number, one_by_one=True)
            statement = sql.SQL(
                "SELECT id FROM {} WHERE {} ORDER BY vector <#> %s::vector LIMIT %s"
            ).format(table("entry", self.number), few)
            found = self._ids(statement, [*its, asked, width + SPARE])
            if len(found) >= width:
                return Nearest(tuple(self._by_id(found)), exhausted=False, is_exact=False)
        # Materialised, so that no index has a say.
        statement = sql.SQL(
            "WITH passing AS MATERIALIZED (SELECT id, vector FROM {} WHERE {}) "
            "SELECT id FROM passing ORDER BY vector <#> %s::vector LIMIT %s"
        ).format(table("entry", self.number), given)
        found = self._ids(statement, [*values, asked, width])
        return Nearest(tuple(self._by_id(found)), exhausted=len(found) < width)

    def find(self, contents: Several[str]) -> list[Entry]:
        """Return the entries of contents, by their hashes."""
        statement = sql.SQL("SELECT id FROM {} WHERE content = ANY(%s)")
        hashes = [bytes.fromhex(content) for content in contents]
        return self._by_id(self._ids(statement.format(table("entry", self.number)), [hashes]))

    def count(self, where: Condition) -> int:
        """Return how many entries pass a condition."""
        given, values = condition_sql(where, self.number)
        statement = sql.SQL("SELECT count(*) FROM {} WHERE {}")
        (count,) = self._ids(statement.format(table("entry", self.number), given), values)
        return count

    def _are_many(self, given: sql.Composable, values: list[Any]) -> bool:
        if self.description.count <= MOST_COMPARED or given == EVERYTHING_SQL:
            return self.description.count > MOST_COMPARED
        statement = sql.SQL("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} LIMIT %s) AS passing")
        (count,) = self._ids(
            statement.format(table("entry", self.number), given), [*values, MOST_COMPARED + 1]
        )
        return count > MOST_COMPARED

    def _set_index(self, ef: int) -> None:
        # Local to the transaction.
        self.connection.execute(
            "SELECT set_config('hnsw.ef_search', %s, true), "
            "set_config('hnsw.iterative_scan', 'relaxed_order', true)",
            [str(ef)],
        )

    def _ids(self, statement: sql.Composed, values: list[Any]) -> list[int]:
        return [row[0] for row in self.connection.execute(statement, values)]

    def _by_id(self, ids: list[int]) -> list[Entry]:
        """Return entries in the order of their ids."""
        if not ids:
            return []
        columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
        with self.connection.cursor(binary=True) as cursor:
            rows = cursor.execute(
                sql.SQL("SELECT {} FROM {} WHERE id = ANY(%s)").format(
                    columns, table("entry", self.number)
                ),
                [ids],
            ).fetchall()
            files: dict[int, list[EntryFile]] = {}
            for identifier, root, path in cursor.execute(
                sql.SQL("SELECT id, root, path FROM {} WHERE id = ANY(%s)").format(
                    table("file", self.number)
                ),
                [ids],
            ):
                files.setdefault(identifier, []).append(EntryFile(root, bytes(path)))
        place = {identifier: number for number, identifier in enumerate(ids)}
        return entries_of(sorted(rows, key=lambda row: place[row[0]]), files)
