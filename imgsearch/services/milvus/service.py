"""The service at milvus://HOST[:PORT]/[DATABASE/]COLLECTION: readers, and one writer."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from imgsearch.errors import NoGalleryError, ServiceError
from imgsearch.services.milvus.collection import MilvusCollection
from imgsearch.services.milvus.connection import Connection
from imgsearch.services.milvus.draft import GRACE_SECONDS, MilvusDraft
from imgsearch.services.milvus.head import find_head
from imgsearch.services.milvus.names import (
    checked_name,
    data_name,
    data_names,
    seen_aliases,
)
from imgsearch.services.milvus.schema import index_of, schema_of
from imgsearch.services.milvus.table import Table
from imgsearch.services.milvus.writer_lock import held_lock
from imgsearch.services.protocol import Health

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.services.milvus.head import Head
    from imgsearch.services.milvus.names import DataName, Seen
    from imgsearch.services.service_address import ServiceAddress

_DATABASE: Final = "default"


class MilvusService:
    """A `SearchService`. Any thread may read."""

    def __init__(self, address: ServiceAddress) -> None:
        self.address = str(address)
        self._name = checked_name(address)
        database = address.parts[0] if len(address.parts) > 1 else _DATABASE
        self._connection = Connection(address, database)
        self._known: tuple[Seen, Head] | None = None

    def health(self) -> Health:
        """Ask for the server's version."""
        version = str(self._connection.ask("get_server_version"))
        return Health(f"Milvus {version.removeprefix('v')}", "hnsw" if self._seen() else "")

    @contextmanager
    def reading(self) -> Iterator[MilvusCollection]:
        """Open what was published last."""
        seen = self._seen()
        if seen is None:
            raise NoGalleryError(
                f"{self.address}: nothing is published there; `imgsearch publish {self.address}` "
                "does it where the gallery is"
            )
        head = self._head(seen)
        table = Table(self._connection, seen.full, head.description.dim, seen.time)
        table.wait_for_all(head)
        yield MilvusCollection(table, head)

    @contextmanager
    def writing(self, space: str, dim: int) -> Iterator[MilvusDraft]:
        """Open the draft of a space, as the only writer."""
        with held_lock(self._connection, self._name) as lock:
            seen = self._seen()
            head = None if seen is None else self._head(seen)
            names = data_names(self._name, self._connection.ask("list_collections"))
            live = next((one for one in names if seen is not None and one.full == seen.full), None)
            if live is not None and head is not None and live.space == space:
                written, base = live, head
            else:
                written, base = self._new(names, live, space, dim), None
            self._drop(names, live, written, head)
            table = Table(self._connection, written.full, dim, 0)
            if base is not None:
                table.wait_for_all(base)
            draft = MilvusDraft(table, self._name, lock, base)
            draft.clear()
            yield draft

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()

    def _seen(self) -> Seen | None:
        """Return which version of which collection readers see, or None before there is one."""
        found = self._connection.find(self._name)
        if found is None:
            return None
        full = str(found["collection_name"])
        versions = [*seen_aliases(self._name, full, found["aliases"])]
        if full == self._name or not versions:
            raise ServiceError(
                f"{self.address}: there is a collection of that name that imgsearch has not made; "
                "publish under another name"
            )
        return versions[-1]

    def _head(self, seen: Seen) -> Head:
        """Return the head of what readers see, which never changes."""
        known = self._known
        if known is None or known[0] != seen:
            self._load(seen.full)
            table = Table(self._connection, seen.full, 0, 0)
            head = self._connection.wait_for(partial(find_head, table, seen.version))
            known = self._known = (seen, head)
        return known[1]

    def _load(self, full: str) -> None:
        """Have it in the server's memory, in case that somebody has released it."""
        self._connection.ask("load_collection", full)

    def _new(self, names: list[DataName], live: DataName | None, space: str, dim: int) -> DataName:
        """Return the draft that an interrupted writer of the space has left, or a new one."""
        after = 0 if live is None else live.number
        for name in names:
            if name.number > after and name.space == space:
                made = name
                break
        else:
            made = data_name(self._name, 1 + max([after, *(one.number for one in names)]), space)
            self._connection.ask("create_collection", made.full, schema=schema_of(dim))
        # A writer may have been killed between these.
        self._connection.ask("create_index", made.full, index_of())
        self._load(made.full)
        return made

    def _drop(
        self, names: list[DataName], live: DataName | None, written: DataName, head: Head | None
    ) -> None:
        """Drop drafts of other spaces, and what was read until an hour ago."""
        late = head is not None and head.since < time.time() - GRACE_SECONDS
        for name in names:
            is_old = live is not None and name.number < live.number
            if name not in (live, written) and (late or not is_old):
                found = self._connection.find(name.full)
                for alias in [] if found is None else found["aliases"]:
                    self._connection.ask("drop_alias", alias)
                self._connection.ask("drop_collection", name.full)
