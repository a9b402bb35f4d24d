"""Pareto-best choices: those that no other beats in one respect without losing in another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def pareto_best(quality: ArrayLike, cost: ArrayLike) -> NDArray[np.bool_]:
    """Tell which choices are Pareto-best: none is at least as good and as cheap, and better in one.

    Choices that are equal in both stand or fall together. A choice with a NaN in either is never
    Pareto-best and beats nothing, since it cannot be compared.

    Args:
        quality: shape (n,), larger is better; infinities are allowed.
        cost: shape (n,), smaller is better; likewise.

    Returns:
        shape (n,), boolean.

    Raises:
        UsageError: the two are not one-dimensional and equally long.
    """
    good = np.asarray(quality, dtype=np.float64)
    dear = np.asarray(cost, dtype=np.float64)
    if good.ndim != 1 or good.shape != dear.shape:
        raise UsageError(
            f"pareto: quality {good.shape} and cost {dear.shape} do not fit; expected (n,) and (n,)"
        )
    best = np.zeros(len(good), dtype=np.bool_)
    comparable = np.flatnonzero(~(np.isnan(good) | np.isnan(dear)))
    if not len(comparable):
        return best
    # Cheapest first and, at one cost, best first: whoever is not better than all before is beaten,
    # or equals the last that was not.
    ordered = comparable[np.lexsort((-good[comparable], dear[comparable]))]
    last = ordered[0]
    for place in ordered:
        same = good[place] == good[last] and dear[place] == dear[last]
        if same or good[place] > good[last]:
            best[place] = True
            last = place
    return best
