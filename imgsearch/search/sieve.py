"""Which candidates pass the filters of a question, found out in the way that is cheapest.

Where many contents pass, the nearest are searched for without filters, and the database is asked
about these alone. Where few do, it lists them, and all of them are scored. What lies between is
searched through inverted lists from which the others are masked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.storage.filters import conditions
from imgsearch.storage.passing import PassingContents

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
        given = list(conditions(where, store).values())
        self._passing = PassingContents(store, given) if given else None

    @property
    def is_open(self) -> bool:
        """Whether everything passes."""
        return self._passing is None

    def passing(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of some ids (m,) pass."""
        if self._passing is None or not len(ids):
            return np.ones(len(ids), np.bool_)
        return self._passing.among(ids)

    def first_search(self, wanted: int, among: int) -> tuple[int, NDArray[np.int64] | None]:
        """Return how many candidates to search for first, and the ids that alone may be found.

        Args:
            wanted: how many have to pass.
            among: how many there are in all.

        Returns:
            The second is None where candidates are to be asked about.
        """
        if self._passing is None:
            return wanted, None
        ids = self._passing.ids
        if ids is None:
            return FIRST_SHARE * wanted, None
        expected = round(_ALLOWANCE * wanted * among / max(len(ids), 1))
        if len(ids) <= MOST_ASKED or expected > MOST_ASKED:
            return wanted, ids
        return max(expected, wanted), None

    def next_search(
        self, asked: int, passed: int, wanted: int, *, among: int
    ) -> tuple[int, NDArray[np.int64] | None]:
        """Return how many candidates to search for next, and the ids that alone may be found.

        Args:
            asked: how many candidates there were.
            passed: how many of them passed.
            wanted: how many have to.
            among: how many there are in all.

        Returns:
            The second is None where candidates are to be asked about.
        """
        expected = round(_ALLOWANCE * wanted * (asked + 1) / (passed + 0.5))
        width = max(expected, FIRST_SHARE * asked)
        assert self._passing is not None  # noqa: S101  # everything passes otherwise
        self._passing.list_if_cheaper(width, passed=passed, asked=asked, among=among)
        ids = self._passing.ids
        if ids is not None and len(ids) <= MOST_ASKED:
            return wanted, ids
        if width <= MOST_ASKED:
            return width, None
        return wanted, self._passing.list_all()
