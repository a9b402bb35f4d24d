"""Searching what was published: by the HNSW index, and exactly where that may miss something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.services.conditions import EVERYTHING
from imgsearch.services.entries import Nearest
from imgsearch.services.milvus.expressions import expression, text
from imgsearch.services.milvus.rows import ENTRY_FIELDS, padded

if TYPE_CHECKING:
    from collections.abc import Collection as Several
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from imgsearch.services.conditions import Condition
    from imgsearch.services.entries import Description, Entry
    from imgsearch.services.milvus.head import Head
    from imgsearch.services.milvus.table import Table

# So few entries are compared here, one by one.
FEW: Final = 1000
# efSearch without a condition, and what it is with one, over the share that passes: the more nodes
# of a graph do not pass, the longer it is walked. Below 7 % Milvus itself compares all that pass.
EF: Final = 128
EF_FILTERED: Final = 1000
_LARGEST_EF: Final = 10_000
# Milvus's own limit for one search.
_MOST_FOUND: Final = 16_384
_VECTORS: Final = ("row", "id", "since", "vector")
_CHUNK: Final = 1000
# Rows that are no longer seen are taken from a count as long as they are so few.
_MOST_SUBTRACTED: Final = 20_000


@dataclass(frozen=True, slots=True)
class MilvusCollection:
    """A `Collection`: the rows of a version, which nobody changes.

    Attributes:
        table: of the rows, at the version's time or later.
        head: which of them are seen.
    """

    table: Table
    head: Head

    @property
    def description(self) -> Description:
        """What there is."""
        return self.head.description

    def search(self, vector: NDArray[np.float32], width: int, where: Condition) -> Nearest:
        """Return the entries of largest inner product that pass a condition."""
        passing = self._expression(where)
        ended = sum(1 for _ in self.head.ended_ids)
        count = self.table.count(passing)
        # Milvus names fewer than there are at times, and then all are looked at.
        limit = width + min(ended, width)
        ef = EF if where == EVERYTHING else EF_FILTERED * self.description.count // max(count, 1)
        while count > FEW and limit < min(count, _MOST_FOUND + 1):
            rows = self._nearest(vector, limit, passing, min(ef, _LARGEST_EF))
            seen = [row for row in rows if self.head.sees(row)]
            if len(seen) >= width:
                return Nearest(tuple(self._entries(seen)), exhausted=False, is_exact=False)
            if len(rows) < limit:
                break
            limit *= 4
        return self._compared(vector, width, passing)

    def find(self, contents: Several[str]) -> list[Entry]:
        """Return the entries of contents, by their hashes."""
        wanted = sorted(contents)
        found: list[dict[str, Any]] = []
        for start in range(0, len(wanted), _CHUNK):
            hashes = ", ".join(map(text, wanted[start : start + _CHUNK]))
            rows = self.table.rows(self._within(f"content in [{hashes}]"), ["row", "id", "since"])
            found += [row for row in rows if self.head.sees(row)]
        return self._entries(found)

    def count(self, where: Condition) -> int:
        """Return how many entries pass a condition."""
        if where == EVERYTHING:
            return self.description.count
        passing = self._expression(where)
        count = self.table.count(passing)
        ended = sorted(self.head.ended_ids)
        if count and len(ended) <= _MOST_SUBTRACTED:
            for start in range(0, len(ended), _CHUNK):
                among = f"id in {ended[start : start + _CHUNK]} and ({passing})"
                rows = self.table.rows(among, ["id", "since"])
                count -= sum(not self.head.sees(row) for row in rows)
        return count

    def _expression(self, where: Condition) -> str:
        return self._within(expression(where))

    def _within(self, given: str) -> str:
        """Return an expression on the rows that were there when the version was published."""
        return f"{self.head.there} and ({given})" if given else self.head.there

    def _nearest(
        self, vector: NDArray[np.float32], limit: int, passing: str, ef: int
    ) -> list[dict[str, Any]]:
        """Return rows, the nearest first, with everything where an answer can hold that."""
        fields = ENTRY_FIELDS if limit <= self.table.block(ENTRY_FIELDS) else ("row", "id", "since")
        (hits,) = self.table.connection.ask(
            "search",
            self.table.name,
            data=[padded(vector)],
            limit=limit,
            filter=passing,
            output_fields=list(fields),
            search_params={"metric_type": "IP", "params": {"ef": max(ef, limit)}},
            **self.table.consistency,
        )
        return [{"row": hit["row"], **hit["entity"]} for hit in hits]

    def _compared(self, vector: NDArray[np.float32], width: int, passing: str) -> Nearest:
        """Return the nearest of all that pass, each of which is looked at."""
        best: list[tuple[float, str]] = []
        count = 0
        for rows in self._all(passing):
            seen = [row for row in rows if self.head.sees(row)]
            count += len(seen)
            if seen:
                vectors = np.array([row["vector"] for row in seen], dtype=np.float32)
                scores = (vectors @ padded(vector)).tolist()
                best += zip(scores, (row["row"] for row in seen), strict=True)
                best = sorted(best, reverse=True)[:width]
        entries = self._entries([{"row": key} for _, key in best])
        return Nearest(tuple(entries), exhausted=count <= width)

    def _all(self, passing: str) -> Iterator[list[dict[str, Any]]]:
        if self.table.count(passing) <= self.table.block(_VECTORS):
            yield self.table.rows(passing, _VECTORS)
        else:
            yield from self.table.windows(passing, _VECTORS)

    def _entries(self, rows: list[dict[str, Any]]) -> list[Entry]:
        """Return entries in the order of their rows, of which there may be no more than the key."""
        lacking = [row["row"] for row in rows if "about" not in row]
        made = {row["row"]: row for row in self.table.by_key(lacking, ENTRY_FIELDS)}
        return self.table.entries([made.get(row["row"], row) for row in rows])
