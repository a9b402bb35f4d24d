"""Which contents pass filters: all of them, those among some, or only if they are few.

What passes a filter is listed by an index of its column where there is one, and what a reader has
listed it remembers for as long as nothing in the gallery changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.storage.filter_condition import Condition
from imgsearch.storage.filters import conditions

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from numpy.typing import NDArray

    from imgsearch.storage.database import Store
    from imgsearch.storage.filters import Filters

FIRST_LISTED: Final = 1_000
STEP: Final = 8
# Of a large gallery four lists or more: 32 MiB.
MOST_REMEMBERED: Final = 4 * 2**20
MOST_FILTERS: Final = 256


@dataclass(slots=True)
class Passing:
    """What is known of the contents that pass some filters, in one state of the gallery.

    Attributes:
        ids: of all that pass, shape (n,), int64, ascending; None while they are not known.
        more_than: more than so many pass, as far as is known while `ids` are not.
        asked: how many contents were asked about one by one.
    """

    ids: NDArray[np.int64] | None = None
    more_than: int = -1
    asked: int = 0


@dataclass(slots=True)
class _Remembered:
    """What is known of filters that were asked for, the last ones last."""

    known: dict[Hashable, Passing] = field(default_factory=dict)

    def of(self, key: Hashable) -> Passing:
        """Return what is known of filters, to be added to."""
        passing = self.known.pop(key, None) or Passing()
        sizes = {name: 0 if one.ids is None else len(one.ids) for name, one in self.known.items()}
        total = sum(sizes.values())
        for name in list(self.known):
            if total <= MOST_REMEMBERED and len(self.known) < MOST_FILTERS:
                break
            total -= sizes[name]
            del self.known[name]
        self.known[key] = passing
        return passing


class PassingContents:
    """The contents that pass all of some filters, one at least, in one snapshot."""

    def __init__(self, store: Store, given: Iterable[Condition]) -> None:
        self._store = store
        self._parts = [(part, _known(store, [part])) for part in _by_column(given)]
        self._known = self._parts[0][1]
        if len(self._parts) > 1:
            self._known = _known(store, [part for part, _ in self._parts])

    @property
    def ids(self) -> NDArray[np.int64] | None:
        """Of all that pass, shape (n,), int64, ascending; None while they are not known."""
        return self._known.ids

    def among(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of some ids (m,) pass."""
        if self._known.ids is not None:
            return _holds(self._known.ids, ids)
        passing = np.ones(len(ids), np.bool_)
        for _, known in self._parts:
            if known.ids is not None:
                passing &= _holds(known.ids, ids)
        others = [part for part, known in self._parts if known.ids is None]
        if others:
            asked = ids[passing]
            self._known.asked += len(asked)
            passing[passing] = np.isin(asked, passing_ids(self._store, others, asked.tolist()))
        return passing

    def list_if_cheaper(self, count: int, *, passed: int, asked: int, among: int) -> None:
        """Find out the `ids`, unless asking about so many contents takes less time.

        What has been asked so far counts too: who comes again and again gets a list in the end.

        Args:
            count: of the contents to be asked about otherwise.
            passed: so many passed.
            asked: of so many.
            among: how many contents there are.
        """
        if self._known.ids is None:
            share = among / max(asked, 1)
            # What chance leaves of it, two standard deviations below.
            least = share * (passed - 2 * passed**0.5)
            self._known.ids = self._listed(count + self._known.asked, share * passed, least)

    def list_all(self) -> NDArray[np.int64]:
        """Find out the `ids`, and return them."""
        if self._known.ids is None and all(part.listed for part, _ in self._parts):
            every = self._store.content_count()
            self._known.ids = self._listed(every, every, 0)
        if self._known.ids is None:
            both = joined(part for part, _ in self._parts)
            self._known.ids = np.sort(self._store.content_ids_where(both.sql, both.values))
        return self._known.ids

    def _listed(self, asked: int, expected: float, least: float) -> NDArray[np.int64] | None:
        """Return the ids of all that pass; None where that takes longer than asking about some.

        Args:
            asked: about so many.
            expected: how many pass, about.
            least: how many do at the least, in all likelihood.
        """
        parts = [(part, known) for part, known in self._parts if part.listed]
        others = [part for part, _ in self._parts if not part.listed]
        if not parts:
            return _list(self._store, joined(others), self._known, asked)
        # Each lets as many pass as all together, at least.
        cheap = [(part, known) for part, known in parts if least <= part.listed * asked]
        dearest = max((part.listed * asked for part, _ in cheap), default=0)
        listed = [known.ids for _, known in parts if known.ids is not None]
        # A list that proves too long was for nothing, so none begins with all that may be.
        most = max(FIRST_LISTED, round(2 * expected))
        while not listed:
            found = [
                _list(self._store, part, known, min(most, part.listed * asked))
                for part, known in cheap
            ]
            listed = [ids for ids in found if ids is not None]
            if not listed and most >= dearest:
                return None
            most *= STEP
        ids = min(listed, key=len)
        if others and len(ids) > asked:
            return None  # what no index lists would be asked of all of these
        for part, known in parts:
            one = _list(self._store, part, known, part.listed * len(ids))
            if one is None:
                others.append(part)
            else:
                ids = ids[_holds(one, ids)]
        return np.sort(passing_ids(self._store, others, ids.tolist())) if others else ids


def joined(every: Iterable[Condition]) -> Condition:
    """Return the condition that all of some hold; one at least."""
    given = list(every)
    return Condition(
        " AND ".join(f"({condition.sql})" for condition in given),
        tuple(value for condition in given for value in condition.values),
    )


def passing_ids(store: Store, given: Iterable[Condition], ids: Iterable[int]) -> NDArray[np.int64]:
    """Return those of some contents for which all conditions hold, in no order."""
    both = joined(_of_few(condition) for condition in given)
    return store.content_ids_among(ids, both.sql, both.values)


def allowed_ids(store: Store, where: Filters) -> NDArray[np.int64] | None:
    """Return the ids `(n,)` of the contents that pass all filters, ascending; None without any.

    Raises:
        UsageError: a folder that is not in the gallery, or a format that does not exist.
    """
    given = conditions(where, store).values()
    return PassingContents(store, given).list_all() if given else None


def _known(store: Store, parts: list[Condition]) -> Passing:
    """Return what a reader knows of filters; whoever finds out more leaves it there."""
    if any(part.key is None for part in parts):
        return Passing()
    key = tuple((part.sql, part.values, part.key) for part in parts)
    return store.once("passing", _Remembered).of(key)


def _by_column(given: Iterable[Condition]) -> list[Condition]:
    """Return conditions of which those on one column are one."""
    keyed = sorted(given, key=lambda condition: str(condition.key))
    parts = []
    for key, some in groupby(keyed, key=lambda condition: condition.key):
        same = list(some)
        if key is None or len(same) == 1:
            parts += same
        else:
            few = joined(map(_of_few, same)).sql
            listed = min(condition.listed for condition in same)
            parts.append(replace(joined(same), of_few=few, key=key, listed=listed))
    return parts


def _of_few(condition: Condition) -> Condition:
    return replace(condition, sql=condition.of_few or condition.sql)


def _list(store: Store, part: Condition, known: Passing, most: int) -> NDArray[np.int64] | None:
    """Return the ids of all that pass a condition, ascending; None if they are more than `most`."""
    if known.ids is None and known.more_than < most:
        source = part.source or f"SELECT id FROM content WHERE {part.sql}"  # noqa: S608 - conditions are code, their values are bound
        found = store.first_ids(source, most + 1, part.values)
        if len(found) <= most:
            known.ids = np.unique(found)
        else:
            known.more_than = most
    return known.ids


def _holds(ascending: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which of some ids (m,) are among ascending ones."""
    if not len(ascending):
        return np.zeros(len(ids), np.bool_)
    places = np.minimum(ascending.searchsorted(ids), len(ascending) - 1)
    found: NDArray[np.bool_] = ascending[places] == ids
    return found
