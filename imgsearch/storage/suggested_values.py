"""What values a gallery has, for completion in a shell: read fast, and without NumPy."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final, Literal

from imgsearch.storage.sqlite_errors import DATABASE

if TYPE_CHECKING:
    from pathlib import Path

Column = Literal["camera", "lens", "format", "recipe"]

_STATEMENTS: Final[dict[Column, str]] = {
    "camera": "SELECT DISTINCT camera FROM content WHERE camera IS NOT NULL ORDER BY camera",
    "lens": "SELECT DISTINCT lens FROM content WHERE lens IS NOT NULL ORDER BY lens",
    "format": "SELECT DISTINCT lower(format) FROM content ORDER BY 1",
    "recipe": "SELECT identifier FROM recipe ORDER BY is_primary DESC, id",
}


def suggested_values(folder: Path, column: Column) -> list[str]:
    """Return the values of a column, read-only and without waiting for a writer.

    None where there is no gallery, or one that cannot be read.
    """
    address = f"{(folder / DATABASE).absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=0)) as connection:
            return [str(value) for (value,) in connection.execute(_STATEMENTS[column])]
    except sqlite3.Error:
        return []
