"""What a connection has read and need not read again while nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    T = TypeVar("T")


class Reading:
    """A connection, and what it remembers of the state that it reads."""

    connection: sqlite3.Connection

    def __init__(self) -> None:
        self._columns: dict[tuple[str, str], bool] = {}
        # None for a writer, which changes what it would remember.
        self._remembered: dict[str, Any] | None = None
        self._seen: dict[str, Any] = {}
        # Temporary tables that were asked for, and whether they outlast a snapshot.
        self._tables: dict[str, bool] = {}
        self._functions: set[str] = set()
        self._version: int | None = None

    def once(self, name: str, read: Callable[[], T]) -> T:
        """Return what a function reads; within the snapshots of one state it reads once.

        Args:
            name: of what is read.
            read: reads it; what it returns is not changed by anybody.
        """
        if self._remembered is None or not self.connection.in_transaction:
            return read()
        if name not in self._remembered:
            self._remembered[name] = read()
        value: T = self._remembered[name]
        return value

    def once_a_snapshot(self, name: str, look: Callable[[], T]) -> T:
        """Return what a function finds, on disk for instance; within a snapshot it looks once.

        Args:
            name: of what is looked for.
            look: looks for it; what it returns is not changed by anybody.
        """
        if self._remembered is None or not self.connection.in_transaction:
            return look()
        if name not in self._seen:
            self._seen[name] = look()
        value: T = self._seen[name]
        return value

    def temporary_table(self, statement: str) -> None:
        """Create a temporary table, empty at the beginning of every snapshot.

        The end of a snapshot takes back what was made in it, and a table that comes and goes has
        SQLite compile all statements again. So from the next one on it is made before.

        Args:
            statement: creates it if it does not exist.
        """
        self.connection.execute(statement)
        self._tables.setdefault(statement, False)

    def function(self, name: str, compute: Callable[..., float], arguments: int) -> None:
        """Let statements call a deterministic function.

        It is declared once, for each time SQLite compiles all statements again.
        """
        if name not in self._functions:
            self.connection.create_function(name, arguments, compute, deterministic=True)
            self._functions.add(name)

    def _begin_reading(self) -> None:
        """Begin a snapshot, and forget what another connection may have changed since the last."""
        for statement, lasts in self._tables.items():
            if not lasts:
                self.connection.execute(statement)
                self._tables[statement] = True
        self.connection.execute("BEGIN")
        self._seen.clear()
        if self._remembered is not None:
            # It begins to read, too: the snapshot is of this version.
            (version,) = self.connection.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                self._remembered.clear()
                self._columns.clear()
                self._version = version

    def _has_column(self, table: str, column: str) -> bool:
        """Tell whether the database, which may be older than this program, has a column."""
        return self._known(table, column, "SELECT 1 FROM pragma_table_info(?) WHERE name = ?")

    def has_index(self, name: str) -> bool:
        """Tell whether the database, which may be older than this program, has an index."""
        return self._known("index", name, "SELECT 1 FROM sqlite_master WHERE type = ? AND name = ?")

    def _known(self, one: str, other: str, statement: str) -> bool:
        known = self._columns.get((one, other))
        if known is None:
            found = self.connection.execute(statement, (one, other)).fetchone()
            known = self._columns[one, other] = found is not None
        return known
