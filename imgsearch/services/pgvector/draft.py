"""The next version of a collection, or the next state of the one that readers see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from psycopg import errors, sql

from imgsearch.services.description_text import to_text
from imgsearch.services.pgvector.collection import MOST_COMPARED
from imgsearch.services.pgvector.rows import row_of
from imgsearch.services.pgvector.statements import COLUMNS, COPIED_AS, LONGEST_INDEXED, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from psycopg import Connection

    from imgsearch.services.entries import Description, Entry

_BLOCK: Final = 50_000
# pgvector's own 64 left whole queries without their neighbours (0.982, whatever ef was up to 200).
_EF_CONSTRUCTION: Final = 128
# Megabytes that building the index may take at the server; larger graphs spill to its disk.
_BUILD_MEMORY: Final = "512MB"


@dataclass(slots=True)
class PgDraft:
    """A `Draft` that one session writes.

    Attributes:
        connection: holds the collection's lock. In a transaction if the draft is of the version
            that readers see; else every call is one.
        name: of the collection.
        number: of the version.
        published: whether `publish` was called.
    """

    connection: Connection[Any]
    name: str
    number: int
    published: bool = False

    def marks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield ids (n,) and marks (n,) of all entries."""
        last = -(2**63)
        statement = sql.SQL("SELECT id, mark FROM {} WHERE id > %s ORDER BY id LIMIT %s").format(
            table("entry", self.number)
        )
        while rows := self.connection.execute(statement, [last, _BLOCK]).fetchall():
            block = np.array(rows, dtype=np.int64)
            yield block[:, 0], block[:, 1]
            last = rows[-1][0]

    def put(self, entries: Sequence[Entry]) -> None:
        """Add entries, or replace those of the same ids."""
        with self.connection.transaction():
            # An update would leave the old graph node beside the new one just as well.
            self.remove([entry.id for entry in entries])
            with self.connection.cursor() as cursor:
                columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
                with cursor.copy(
                    sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
                        table("entry", self.number), columns
                    )
                ) as copy:
                    copy.set_types(COPIED_AS)
                    for entry in entries:
                        copy.write_row(row_of(entry))
                with cursor.copy(
                    sql.SQL("COPY {} (id, root, path) FROM STDIN (FORMAT BINARY)").format(
                        table("file", self.number)
                    )
                ) as copy:
                    copy.set_types(("int8", "int8", "bytea"))
                    for entry in entries:
                        for file in entry.files:
                            copy.write_row((entry.id, file.root, file.path))

    def remove(self, ids: Sequence[int]) -> None:
        """Remove entries."""
        with self.connection.transaction():
            for kind in ("entry", "file"):
                self.connection.execute(
                    sql.SQL("DELETE FROM {} WHERE id = ANY(%s)").format(table(kind, self.number)),
                    [list(ids)],
                )

    def publish(self, description: Description) -> None:
        """Make the draft what readers see."""
        with self.connection.transaction():
            if description.dim <= LONGEST_INDEXED and description.count > MOST_COMPARED:
                self._build_index()
            for kind in ("entry", "file"):
                self.connection.execute(sql.SQL("ANALYZE {}").format(table(kind, self.number)))
            self.connection.execute(
                "UPDATE imgsearch.version SET description = %s, stamp = gen_random_uuid() "
                "WHERE number = %s",
                [to_text(description), self.number],
            )
            self.connection.execute(
                "INSERT INTO imgsearch.collection (name, version) VALUES (%s, %s) "
                "ON CONFLICT (name) DO UPDATE SET version = excluded.version",
                [self.name, self.number],
            )
        self.published = True

    def _build_index(self) -> None:
        self.connection.execute(
            "SELECT set_config('maintenance_work_mem', %s, true)", [_BUILD_MEMORY]
        )
        self.connection.execute(
            sql.SQL(
                "CREATE INDEX IF NOT EXISTS {} ON {} USING hnsw (vector vector_ip_ops) "
                "WITH (ef_construction = {})"
            ).format(
                sql.Identifier(index_name(self.number)),
                table("entry", self.number),
                sql.Literal(_EF_CONSTRUCTION),
            )
        )


def index_name(number: int) -> str:
    """Return the name of a version's HNSW index, without the schema."""
    return f"entry_{number}_vector"


def drop_others(connection: Connection[Any], name: str, kept: int | None) -> None:
    """Drop the versions of a collection that neither readers see nor the writer goes on with.

    One that somebody still reads is left for the next writer.

    Args:
        connection: in no transaction.
        name: of the collection.
        kept: number of the writer's version, or None.
    """
    others = connection.execute(
        "SELECT number FROM imgsearch.version WHERE collection = %s AND number <> ALL(%s) "
        "AND number NOT IN (SELECT version FROM imgsearch.collection WHERE name = %s)",
        [name, [] if kept is None else [kept], name],
    ).fetchall()
    for (number,) in others:
        try:
            with connection.transaction():
                connection.execute("SELECT set_config('lock_timeout', '200ms', true)")
                connection.execute(
                    sql.SQL("DROP TABLE IF EXISTS {}, {}").format(
                        table("entry", number), table("file", number)
                    )
                )
                connection.execute("DELETE FROM imgsearch.version WHERE number = %s", [number])
        except errors.LockNotAvailable:
            continue
