"""Which candidates pass the filters of a question, found out in the way that is cheapest.

Where many contents pass, the nearest are searched for without filters, and the database is asked
about these alone. Where few do, it lists them, and all of them are scored. What lies between is
searched through inverted lists from which the others are masked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.storage.filters import conditions
from imgsearch.storage.passing import allowed_ids, few_ids, passing_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.storage.database import Store
    from imgsearch.storage.filters import Filters

# With filters, so many times as many candidates are asked for at first, and about.
FIRST_SHARE: Final = 4
# So many candidates at most are asked about one by one, and so many contents listed instead.
MOST_ASKED: Final = 20_000
# As many as are expected to suffice, times this.
_ALLOWANCE: Final = 1.5


class Sieve:
    """The filters of one or several questions, in one snapshot."""

    def __init__(self, store: Store, where: Filters) -> None:
        """Look at what is asked for.

        Raises:
            UsageError: a folder of the filter is not in the gallery.
        """
        self._store = store
        self._where = where
        self._conditions = list(conditions(where, store).values())
        self._few: tuple[int, NDArray[np.int64] | None] = (0, None)
        self._all: NDArray[np.int64] | None = None

    @property
    def is_open(self) -> bool:
        """Whether everything passes."""
        return not self._conditions

    def passing(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of some ids (m,) pass."""
        if self.is_open or not len(ids):
            return np.ones(len(ids), np.bool_)
        if self._all is not None:
            return np.isin(ids, self._all)
        return np.isin(ids, passing_ids(self._store, self._conditions, ids.tolist()))

    def next_search(
        self, asked: int, passed: int, wanted: int
    ) -> tuple[int, NDArray[np.int64] | None]:
        """Return how many candidates to search for next, and the ids that alone may be found.

        Args:
            asked: how many candidates there were.
            passed: how many of them passed.
            wanted: how many have to.

        Returns:
            The second is None where candidates are to be asked about.
        """
        expected = round(_ALLOWANCE * wanted * (asked + 1) / (passed + 0.5))
        width = max(expected, FIRST_SHARE * asked)
        most = min(width, MOST_ASKED)
        if self._few[0] < most:
            self._few = most, few_ids(self._store, self._conditions, most)
        if self._few[1] is not None:
            return wanted, self._few[1]
        if width <= MOST_ASKED:
            return width, None
        if self._all is None:
            self._all = allowed_ids(self._store, self._where)
        return wanted, self._all
