"""Where ids stand in an ascending array of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# With more runs than one for so many ids, all ids are searched.
_LEAST_RUN: Final = 16


class _Runs(NamedTuple):
    """Runs of ids without gaps, shape (r,) each.

    Attributes:
        firsts: the first id of each.
        starts: its place.
        ends: the place behind the last one's.
    """

    firsts: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, ids: NDArray[np.int64]) -> Self:
        """Return the runs of ascending ids."""
        bounds = np.concatenate([[0], np.flatnonzero(np.diff(ids) != 1) + 1, [len(ids)]])
        return cls(ids[bounds[:-1]], bounds[:-1], bounds[1:])


class IdPlaces:
    """Finds the places of ids.

    A writer gives ids in runs without gaps, so that it suffices to find the run: a search among
    few numbers that lie together, where one among all ids waits for memory at every step.

    Attributes:
        ids: shape (n,), int64, ascending, none twice, n from 1 up.
    """

    def __init__(self, ids: NDArray[np.int64]) -> None:
        self.ids = ids
        self._runs: _Runs | None = None

    def find(self, wanted: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return which ids (m,) there are, and places (m,), of no meaning for the others."""
        if self._runs is None:
            self._runs = _Runs.of(self.ids)
        firsts, starts, ends = self._runs
        if len(firsts) * _LEAST_RUN > len(self.ids):
            places = np.minimum(self.ids.searchsorted(wanted), len(self.ids) - 1)
            return self.ids[places] == wanted, places
        # Of an id before the first one the run is the last, -1, and the place below its start.
        run = firsts.searchsorted(wanted, side="right") - 1
        start = starts[run]
        places = wanted - firsts[run] + start
        return (places >= start) & (places < ends[run]), places
