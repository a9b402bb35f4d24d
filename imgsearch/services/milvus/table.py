"""Reading a Milvus collection as it was at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from imgsearch.services.milvus.expressions import text
from imgsearch.services.milvus.rows import HIDDEN, entry_of, part_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imgsearch.services.entries import Entry
    from imgsearch.services.milvus.connection import Connection
    from imgsearch.services.milvus.head import Head

# An answer may have 64 MiB.
_ANSWER_BYTES: Final = 1 << 23
_MOST_ROWS: Final = 8192
_LARGEST_ID: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a collection.

    Attributes:
        connection: to the server.
        name: of the collection; an alias may come to name another one.
        dim: length of its vectors.
        time: of the server, before which everything is seen; 0 for now, which takes the server a
            fifth of a second to be sure of.
    """

    connection: Connection
    name: str
    dim: int
    time: int

    def rows(self, where: str, fields: Sequence[str]) -> list[dict[str, Any]]:
        """Return all rows that an expression is true of."""
        return list(
            self.connection.ask(
                "query", self.name, filter=where, output_fields=list(fields), **self.consistency
            )
        )

    def count(self, where: str) -> int:
        """Return of how many rows an expression is true."""
        return int(self.rows(where, ["count(*)"])[0]["count(*)"])

    def wait_for_all(self, head: Head) -> None:
        """Wait until the server shows as many rows as a version has.

        Raises:
            ServiceError: it does not.
        """
        count = head.description.count
        if self.count(head.there) < count:
            now = replace(self, time=0)
            self.connection.wait_for(lambda: now.count(head.there) >= count or None)

    def windows(self, where: str, fields: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of entries that an expression is true of, all of an entry at once.

        They are asked for by id, as answers are not in any order that could be gone on with. Ids
        lie far apart and in heaps, so that what holds too many is halved.
        """
        step = self.block(fields)
        ranges = [(1, _LARGEST_ID)]
        while ranges:
            first, last = ranges.pop()
            within = f"since < {HIDDEN} and id >= {first} and id <= {last} and ({where})"
            count = self.count(within)
            if count > step and first < last:
                middle = (first + last) // 2
                ranges += [(middle + 1, last), (first, middle)]
            elif count:
                yield self.rows(within, fields)

    def by_key(self, keys: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any]]:
        """Return rows by their keys, in any order; those that are not there are left out."""
        found: list[dict[str, Any]] = []
        step = self.block(fields)
        for start in range(0, len(keys), step):
            some = ", ".join(map(text, keys[start : start + step]))
            found += self.rows(f"row in [{some}]", fields)
        return found

    def entries(self, rows: Sequence[dict[str, Any]]) -> list[Entry]:
        """Return the entries of rows with `ENTRY_FIELDS`, in their order."""
        return [
            entry_of(row, self.connection.wait_for(partial(self.whole_text, row)), self.dim)
            for row in rows
        ]

    def whole_text(self, row: dict[str, Any]) -> str | None:
        """Return the whole text of a row with "row", "about" and "parts"; None if a part lacks."""
        if not row["parts"]:
            return str(row["about"])
        keys = part_keys(row["row"], row["parts"])
        parts = {part["row"]: part["about"] for part in self.by_key(keys, ["row", "about"])}
        if len(parts) < len(keys):
            return None
        return "".join([row["about"], *(parts[key] for key in keys)])

    def block(self, fields: Sequence[str]) -> int:
        """Return how many rows may be asked for at once."""
        size = 64
        size += 4 * self.dim if "vector" in fields else 0
        size += 512 if "about" in fields else 0
        return max(1, min(_MOST_ROWS, _ANSWER_BYTES // size))

    @property
    def consistency(self) -> dict[str, Any]:
        """What tells a search from when it must see everything."""
        if not self.time:
            return {"consistency_level": "Strong"}
        return {"consistency_level": "Customized", "guarantee_timestamp": self.time}


def blocks(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield rows that are to be sent in blocks that a server takes."""
    block: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        block.append(row)
        size += 4 * len(row["vector"]) + 8 * len(row["folders"]) + len(row["about"]) + 256
        if size >= _ANSWER_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block
