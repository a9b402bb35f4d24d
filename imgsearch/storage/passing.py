"""Which contents pass filters: all of them, those among some, or only if they are few."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.storage.filter_condition import Condition
from imgsearch.storage.filters import Filters, conditions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from imgsearch.storage.database import Store


def joined(every: Iterable[Condition]) -> Condition:
    """Return the condition that all of some hold; one at least."""
    given = list(every)
    return Condition(
        " AND ".join(f"({condition.sql})" for condition in given),
        tuple(value for condition in given for value in condition.values),
    )


def passing_ids(store: Store, given: Iterable[Condition], ids: Iterable[int]) -> NDArray[np.int64]:
    """Return those of some contents for which all conditions hold, in no order."""
    asked = [replace(condition, sql=condition.of_few or condition.sql) for condition in given]
    both = joined(asked)
    return store.content_ids_among(ids, both.sql, both.values)


def few_ids(store: Store, given: Iterable[Condition], most: int) -> NDArray[np.int64] | None:
    """Return the ids of the contents for which all conditions hold; None if they are too many.

    Args:
        store: that is asked.
        given: one condition at least.
        most: so many are not too many. What is not fetched is not computed either, as far as
            SQLite's indexes serve the conditions.
    """
    conditions = list(given)
    narrow = next((condition for condition in conditions if condition.source), None)
    if narrow is not None:
        found = store.first_ids(narrow.source, most + 1)
        if len(found) <= most:
            others = [condition for condition in conditions if condition is not narrow]
            return passing_ids(store, others, found.tolist()) if others else np.unique(found)
        conditions = [
            replace(condition, sql=condition.of_few or condition.sql) for condition in conditions
        ]
        conditions.sort(key=lambda condition: bool(condition.source))
        if len(conditions) == 1:
            return None
    both = joined(conditions)
    statement = f"SELECT id FROM content WHERE {both.sql}"  # noqa: S608 - conditions are code, their values are bound
    found = store.first_ids(statement, most + 1, both.values)
    return None if len(found) > most else found


def allowed_ids(store: Store, where: Filters) -> NDArray[np.int64] | None:
    """Return the ids `(n,)` of the contents that pass all filters; None if none is given.

    Raises:
        UsageError: a folder that is not in the gallery, or a format that does not exist.
    """
    given = conditions(where, store)
    if not given:
        return None
    both = joined(given.values())
    return store.content_ids_where(both.sql, both.values)
