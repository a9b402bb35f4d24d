"""A filter's condition in SQL."""

from __future__ import annotations

from dataclasses import dataclass


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
    """

    sql: str
    values: tuple[object, ...] = ()
    of_few: str = ""
    source: str = ""
