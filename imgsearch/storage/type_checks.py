"""Which columns hold values of another type than they declare: flipped bits, or somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection

# What `typeof` says of the values that a column of a declared type may hold.
_STORED: Final = {
    "INTEGER": ("integer",),
    "TEXT": ("text",),
    "BLOB": ("blob",),
    "REAL": ("real", "integer"),
}


def mistyped_columns(connection: Connection) -> Iterator[tuple[str, int]]:
    """Yield names such as "root.path", and how many of their values have another type."""
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    for (table,) in tables:
        columns = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
        wrong = [
            _is_wrong(name, declared, required=bool(notnull or key))
            for _, name, declared, notnull, _, key in columns
        ]
        counts = connection.execute(
            f'SELECT {", ".join(f"TOTAL({each})" for each in wrong)} FROM "{table}"'  # noqa: S608 - names of columns
        ).fetchone()
        for (_, name, *_), count in zip(columns, counts, strict=True):
            if count:
                yield f"{table}.{name}", int(count)


def _is_wrong(name: str, declared: str, *, required: bool) -> str:
    allowed = (*_STORED[declared], *(() if required else ("null",)))
    return f'typeof("{name}") NOT IN ({", ".join(f"{kind!r}" for kind in allowed)})'
