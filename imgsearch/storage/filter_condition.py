"""A filter's condition in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from imgsearch.storage.database import Store

# An index of a column lists so many ids in the time in which one content is asked about by its id.
LISTED: Final = 40


@dataclass(frozen=True, slots=True)
class Condition:
    """An SQL condition on a row of `content`.

    Attributes:
        sql: over the columns of `content`, with a question mark for each value.
        values: for the question marks, in their order.
        of_few: the same, quicker where it is asked of a few rows only; "" for none. It takes the
            same values.
        source: a statement without values that gives the ids of all such rows, maybe repeated, one
            by one as they are fetched; "" for none.
        key: what, beside statement and values, tells which rows of one state of the gallery pass.
            None where that is not all that tells it: then nobody remembers what passed. Conditions
            on one column have one key.
        listed: how many rows that pass are listed by an index in the time in which one row is asked
            about by its id, about; 0 where no index lists them.
    """

    sql: str
    values: tuple[object, ...] = ()
    of_few: str = ""
    source: str = ""
    key: Hashable = None
    listed: int = 0


def on_column(column: str, asked: str, values: Sequence[object], store: Store) -> Condition:
    """Return a condition on a column of contents that has an index, `content_by_...`.

    Args:
        column: its name.
        asked: what follows it, such as ">= ?".
        values: for the question marks.
        store: an old gallery's may lack the index.
    """
    return Condition(
        f"{column} {asked}",
        tuple(values),
        key=column,
        listed=LISTED * store.has_index(f"content_by_{column}"),
    )
