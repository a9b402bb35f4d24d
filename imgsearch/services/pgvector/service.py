"""The service at postgresql://HOST/DATABASE/COLLECTION: connections, readers, one writer."""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import errors, sql

from imgsearch.errors import GalleryLockedError, NoGalleryError, ServiceError
from imgsearch.forking import forget_in_children, never_free
from imgsearch.services.description_text import from_text
from imgsearch.services.pgvector.collection import PgCollection
from imgsearch.services.pgvector.draft import PgDraft, drop_others, index_name
from imgsearch.services.pgvector.reasons import reason
from imgsearch.services.pgvector.statements import FOUNDATION, SCHEMA, making_tables, table
from imgsearch.services.protocol import Health

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import LiteralString
    from uuid import UUID

    from psycopg import Connection

    from imgsearch.services.entries import Description
    from imgsearch.services.service_address import ServiceAddress

_PATIENCE: Final = 10  # seconds for a connection, where PGCONNECT_TIMEOUT says nothing
_OLDEST: Final = (0, 8)  # the first pgvector with iterative scans


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What was read of a state, megabytes of projection among it, and need not travel again."""

    stamp: UUID
    description: Description
    indexed: bool


class PgvectorService:
    """A `SearchService`. Threads take turns at reading."""

    def __init__(self, address: ServiceAddress) -> None:
        self.address = str(address)
        self._place = address
        self._name = address.parts[1]
        self._reader: Connection[Any] | None = None
        self._reading = threading.Lock()
        self._known: _Known | None = None
        forget_in_children(self._forget_parents)

    def health(self) -> Health:
        """Ask for versions and sizes."""
        with self._translated(), self._connect() as connection:
            (server,) = _one(connection, "SELECT current_setting('server_version')")
            engine = f"PostgreSQL {server.split()[0]}, pgvector {self._pgvector(connection)}"
            found = _published(connection, self._name)
            if found is None:
                return Health(engine)
            number = found[0]
            (size,) = _one(
                connection,
                "SELECT sum(pg_total_relation_size(name)) FROM unnest(%s::regclass[]) AS name",
                [[f"{SCHEMA}.entry_{number}", f"{SCHEMA}.file_{number}"]],
            )
            return Health(engine, "hnsw" if _is_indexed(connection, number) else "exact", int(size))

    @contextmanager
    def reading(self) -> Iterator[PgCollection]:
        """Open what was published last, in one snapshot of the server's."""
        with self._reading, self._translated():
            while (opened := self._opened()) is None:
                continue
            try:
                yield opened
            finally:
                self._leave(opened.connection)

    @contextmanager
    def writing(self, space: str, dim: int) -> Iterator[PgDraft]:
        """Open the draft of a space, as the only writer."""
        with self._translated(), self._connect() as connection:
            self._pgvector(connection, make=True)
            (mine,) = _one(connection, "SELECT pg_try_advisory_lock(%s)", [_lock_of(self._name)])
            if not mine:
                raise GalleryLockedError(
                    f"{self.address}: another `imgsearch publish` is at it; wait for it to end"
                )
            # Whoever owns the schema may lack the right to make one.
            if _one(connection, "SELECT to_regclass('imgsearch.collection')") == (None,):
                for statement in FOUNDATION:
                    connection.execute(statement)
            number, is_seen = self._version(connection, space, dim)
            draft = PgDraft(connection, self._name, number)
            if is_seen:
                with connection.transaction():
                    yield draft
                    if not draft.published:
                        raise psycopg.Rollback
            else:
                yield draft
                drop_others(connection, self._name, number)

    def close(self) -> None:
        """Leave the server."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def _forget_parents(self) -> None:
        # Two processes can't talk over one connection, and closing it would end the parent's.
        never_free(self._reader)
        self._reader = None
        self._reading = threading.Lock()

    def _opened(self) -> PgCollection | None:
        """Begin a snapshot; return None where the version was dropped before it could be held."""
        connection = self._begun()
        try:
            return self._held(connection)
        except errors.UndefinedTable:
            self._leave(connection)
            return None
        except BaseException:
            self._leave(connection)
            raise

    def _held(self, connection: Connection[Any]) -> PgCollection:
        """Return what readers see, kept from being dropped for as long as the snapshot lasts."""
        found = _published(connection, self._name)
        if found is None:
            raise NoGalleryError(
                f"{self.address}: nothing is published there; `imgsearch publish {self.address}` "
                "does it where the gallery is"
            )
        number, stamp = found
        connection.execute(
            sql.SQL("LOCK TABLE {}, {} IN ACCESS SHARE MODE").format(
                table("entry", number), table("file", number)
            )
        )
        if self._known is None or self._known.stamp != stamp:
            (text,) = _one(
                connection, "SELECT description FROM imgsearch.version WHERE number = %s", [number]
            )
            indexed = _is_indexed(connection, number)
            self._known = _Known(
                stamp=stamp, description=from_text(text, self.address), indexed=indexed
            )
        return PgCollection(connection, number, self._known.description, self._known.indexed)

    def _begun(self) -> Connection[Any]:
        """Return the readers' connection in a new snapshot; another one if the server has gone."""
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        if self._reader is not None:
            try:
                self._reader.execute(begin)
            except psycopg.OperationalError:
                self.close()
            else:
                return self._reader
        self._reader = self._connect()
        self._reader.execute(begin)
        return self._reader

    @staticmethod
    def _leave(connection: Connection[Any]) -> None:
        if not connection.closed:
            connection.execute("ROLLBACK")

    def _version(self, connection: Connection[Any], space: str, dim: int) -> tuple[int, bool]:
        """Return the number of a space's version, made if need be, and whether readers see it."""
        row = connection.execute(
            "SELECT number, number IN (SELECT version FROM imgsearch.collection) "
            "FROM imgsearch.version WHERE collection = %s AND space = %s "
            "ORDER BY 2 DESC, number DESC LIMIT 1",
            [self._name, space],
        ).fetchone()
        drop_others(connection, self._name, row[0] if row else None)
        if row is not None:
            return row[0], row[1]
        with connection.transaction():
            (number,) = _one(
                connection,
                "INSERT INTO imgsearch.version (collection, space, dim) VALUES (%s, %s, %s) "
                "RETURNING number",
                [self._name, space, dim],
            )
            for statement in making_tables(number, dim):
                connection.execute(statement)
        return number, False

    def _connect(self) -> Connection[Any]:
        place = self._place
        given: dict[str, Any] = {
            "host": place.host,
            "port": place.port,
            "user": place.user,
            "dbname": place.parts[0],
            "application_name": "imgsearch",
            **dict(place.options),
        }
        if "PGCONNECT_TIMEOUT" not in os.environ:
            given["connect_timeout"] = _PATIENCE
        # Statements are planned with their values, on which the best plan depends.
        return psycopg.connect(autocommit=True, prepare_threshold=None, **given)

    def _pgvector(self, connection: Connection[Any], *, make: bool = False) -> str:
        """Return the version of pgvector in the database, or of what the server has for it.

        Args:
            connection: to the database.
            make: the extension where it is not in the database.

        Raises:
            ServiceError: it is not there, or too old.
        """
        find: LiteralString = (
            "SELECT coalesce(installed_version, default_version), installed_version IS NOT NULL "
            "FROM pg_available_extensions WHERE name = 'vector'"
        )
        row = _one(connection, find)
        if row is not None and make and not row[1]:
            with suppress(errors.InsufficientPrivilege):
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            row = _one(connection, find)
        if row is None or (make and not row[1]):
            raise ServiceError(
                f"{self.address}: the database has no pgvector; install the extension on the "
                "server, and let the database's owner run CREATE EXTENSION vector"
            )
        version = str(row[0])
        if tuple(map(int, version.split(".")[:2])) < _OLDEST:
            raise ServiceError(
                f"{self.address}: pgvector {version} is too old; expected 0.8 or newer: install "
                "it, and run ALTER EXTENSION vector UPDATE"
            )
        return version

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise ServiceError(f"{self.address}: {reason(error)}") from error


def _one(
    connection: Connection[Any], statement: LiteralString, values: list[Any] | None = None
) -> Any:  # noqa: ANN401 - a row
    return connection.execute(statement, values).fetchone()


def _published(connection: Connection[Any], name: str) -> tuple[int, UUID] | None:
    """Return the number of the version that readers see, and what differs with every publish."""
    find: LiteralString = (
        "SELECT number, stamp FROM imgsearch.version JOIN imgsearch.collection "
        "ON version = number WHERE name = %s"
    )
    try:
        row: tuple[int, UUID] | None = _one(connection, find, [name])
    except errors.UndefinedTable:
        return None  # nobody has ever published to this database
    return row


def _is_indexed(connection: Connection[Any], number: int) -> bool:
    (there,) = _one(connection, "SELECT to_regclass(%s)", [f"{SCHEMA}.{index_name(number)}"])
    return there is not None


def _lock_of(name: str) -> int:
    """Return the number of a collection's advisory lock."""
    digest = hashlib.sha256(f"imgsearch collection {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
