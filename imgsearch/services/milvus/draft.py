"""The next version of a collection: rows that nobody sees before its head is there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import ServiceError
from imgsearch.services.milvus.head import Ended, Head, find_head
from imgsearch.services.milvus.names import seen_alias, seen_aliases
from imgsearch.services.milvus.rows import HIDDEN, clock_row, entry_key, head_rows, rows_of
from imgsearch.services.milvus.table import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from imgsearch.services.entries import Description, Entry
    from imgsearch.services.milvus.table import Table
    from imgsearch.services.milvus.writer_lock import WriterLock

# How long whoever reads goes on in the state that was opened.
GRACE_SECONDS: Final = 3600.0
# Milvus compares so few new rows one by one; in more it overlooks what passes a narrow condition,
# until they are indexed.
MOST_UNSEALED: Final = 2000
_INDEXED_SECONDS: Final = 900.0
_MOST_LATER: Final = 100
_CHUNK: Final = 1000


@dataclass(slots=True)
class MilvusDraft:
    """A `Draft`.

    Attributes:
        table: the collection that is written, as it is now.
        alias: what readers call it.
        lock: which the writer holds.
        seen: what readers see of this collection; None where they see another one, or none.
        version: the one that is written, known once the draft is clear. No two writers have the
            same unless readers see neither: a key that was deleted is never put again, as a
            server that starts after a crash may delete once more.
    """

    table: Table
    alias: str
    lock: WriterLock
    seen: Head | None
    version: int = 1
    _ended: set[int] = field(default_factory=set)
    _put: int = 0
    _deleted_until: float = 0.0

    def clear(self) -> None:
        """Delete what a writer has left that readers are not to see, now or ever.

        A collection that nobody sees keeps its entries, for this writer to go on with.
        """
        if self.seen is not None:
            self._clear(self.seen)
        self.table.connection.ask("upsert", self.table.name, [clock_row(self.table.dim)])
        if self.seen is not None:
            now = self.table.connection.written(self.table.name)
            self.version = max(now, self.seen.version + 1)

    def _clear(self, seen: Head) -> None:
        version = seen.version
        self._delete(seen.never_seen)
        self._delete(f"since == {HIDDEN} and mark > {version}")
        self._delete(f"since == {HIDDEN} and id == 0 and mark < {version}")
        self._deleted_until = time.time() - GRACE_SECONDS
        for ended in seen.ended:
            ids = sorted(ended.ids) if ended.at < self._deleted_until else []
            for start in range(0, len(ids), _CHUNK):
                among = f"id in {ids[start : start + _CHUNK]}"
                self._delete(f"{among} and since < {ended.version}")
                self._delete(f"{among} and since == {HIDDEN} and mark < {ended.version}")

    def marks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield ids (n,) and marks (n,) of all entries."""
        there = "id > 0" if self.seen is None else self.seen.there
        for rows in self._now().windows(there, ["row", "id", "since", "mark"]):
            seen = [row for row in rows if self.seen is None or self.seen.sees(row)]
            # A server that was killed while it replaced a row may have both.
            once = {row["id"]: row for row in seen}
            if len(once) < len(seen):
                counts = np.unique([row["id"] for row in seen], return_counts=True)
                twice = counts[0][counts[1] > 1].tolist()
                self.remove(twice)
                for identifier in twice:
                    del once[identifier]
            yield (
                np.array(list(once), dtype=np.int64),
                np.array([row["mark"] for row in once.values()], dtype=np.int64),
            )

    def put(self, entries: Sequence[Entry]) -> None:
        """Add entries, or replace those of the same ids."""
        self._end([entry.id for entry in entries])
        rows = [row for entry in entries for row in rows_of(entry, self.version)]
        for block in blocks(rows):
            self.table.connection.ask("upsert", self.table.name, block)
        self._put += len(rows)

    def remove(self, ids: Sequence[int]) -> None:
        """Remove entries."""
        self._end(ids)
        for start in range(0, len(ids), _CHUNK):
            rows = [entry_key(one, self.version) for one in ids[start : start + _CHUNK]]
            self.table.connection.ask("delete", self.table.name, ids=rows)

    def publish(self, description: Description) -> None:
        """Make the draft what readers see, in the moment when an alias is made or altered."""
        connection, name = self.table.connection, self.table.name
        unsealed = self._put + (0 if self.seen is None else self.seen.unsealed)
        is_much = unsealed > MOST_UNSEALED
        head = self._head(description, 0 if is_much else unsealed)
        for block in blocks(head_rows(head.to_text(), head.version, description.dim)):
            connection.ask("upsert", name, block)
        # What a server has not stored yet, it may lack for good after a crash.
        connection.ask("flush", name)
        if is_much:
            self._wait_for_index(description.count)
        # One that has just started shows less for a while.
        connection.wait_for(lambda: find_head(self.table, head.version))
        self.table.wait_for_all(head)
        self.lock.check()
        seen = seen_alias(self.alias, head.version, connection.written(name))
        connection.ask("create_alias", name, seen)
        known = connection.find(self.alias)
        if self.seen is not None and known is not None:
            earlier = seen_aliases(self.alias, name, known["aliases"]).values()
            for alias in set(earlier) - {seen}:
                connection.ask("drop_alias", alias)
            return
        # It is never dropped: Milvus 2.3 forgets all aliases that begin with it at its next start.
        try:
            connection.ask("create_alias" if known is None else "alter_alias", name, self.alias)
        except ServiceError:
            if known is not None:
                raise
            # Somebody has dropped the collection that it named.
            connection.ask("alter_alias", name, self.alias)

    def _head(self, description: Description, unsealed: int) -> Head:
        now = time.time()
        if self.seen is None:
            return Head(self.version, description, now, unsealed)
        ended = tuple(one for one in self.seen.ended if one.at >= self._deleted_until)
        if self._ended:
            ended = (*ended, Ended(self.version, now, frozenset(self._ended)))
        whole, later = self.seen.whole, (*self.seen.later, self.version)
        if len(later) > _MOST_LATER:  # what is not among them has long been deleted
            whole, later = self.version, ()
        return Head(self.version, description, self.seen.since, unsealed, ended, whole, later)

    def _end(self, ids: Sequence[int]) -> None:
        """Take note of the entries whose rows readers are no longer to see."""
        if self.seen is None:
            return
        for start in range(0, len(ids), _CHUNK):
            among = f"id in {list(ids[start : start + _CHUNK])}"
            rows = self._now().rows(f"{self.seen.there} and {among}", ["id", "since"])
            self._ended.update(row["id"] for row in rows if self.seen.sees(row))

    def _now(self) -> Table:
        """Return the rows with all that has been written; it need not be waited for again."""
        return replace(self.table, time=self.table.connection.written(self.table.name))

    def _delete(self, where: str) -> None:
        if self.table.count(where):
            self.table.connection.ask("delete", self.table.name, filter=where)

    def _wait_for_index(self, count: int) -> None:
        """Wait until the segments that were closed are indexed."""
        connection, name = self.table.connection, self.table.name
        until = time.monotonic() + _INDEXED_SECONDS
        while time.monotonic() < until:
            loaded = connection.ask("list_loaded_segments", name)
            ready = sum(
                segment.num_rows
                for segment in loaded
                if segment.state_name == "Sealed"
                and (segment.index_name or segment.num_rows < MOST_UNSEALED)
            )
            if ready >= count:
                break
            time.sleep(1)
