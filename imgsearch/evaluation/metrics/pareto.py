"""Pareto-best choices: those that no other one dominates in quality and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def pareto_best(quality: ArrayLike, cost: ArrayLike) -> NDArray[np.bool_]:
    """Return which choices are Pareto-best: no other is at least as good and cheap, and not equal.

    Choices that are equal in both are either all Pareto-best or none is. A choice with a NaN in
    either is never Pareto-best and dominates nothing.

    Args:
        quality: shape (n,), larger is better; may be infinite.
        cost: shape (n,), smaller is better; may be infinite. Of a rate, its negative.

    Returns:
        Shape (n,), boolean.

    Raises:
        UsageError: the two are not one-dimensional and equally long.
    """
    good = np.asarray(quality, dtype=np.float64)
    costs = np.asarray(cost, dtype=np.float64)
    if good.ndim != 1 or good.shape != costs.shape:
        raise UsageError(
            f"pareto: quality {good.shape} and cost {costs.shape} do not fit; expected (n,) and "
            "(n,)"
        )
    best = np.zeros(len(good), dtype=np.bool_)
    comparable = np.flatnonzero(~(np.isnan(good) | np.isnan(costs)))
    if not len(comparable):
        return best
    # Cheapest first and, at one cost, best first: one that is not better than all before it is
    # dominated, unless it equals the last one that is.
    ordered = comparable[np.lexsort((-good[comparable], costs[comparable]))]
    last = ordered[0]
    for place in ordered:
        same = good[place] == good[last] and costs[place] == costs[last]
        if same or good[place] > good[last]:
            best[place] = True
            last = place
    return best
