"""Bootstrap intervals: how much a figure would vary with other classes of images.

Queries of one class are not independent, so whole groups are drawn, with replacement, as many
as there are; where every group has one query, that is the plain bootstrap over queries. The figure
is the mean over all queries that are drawn, and its interval reaches from the 2.5th to the 97.5th
percentile of many such draws: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993),
chapter 13; for groups, Davison and Hinkley, "Bootstrap Methods and their Application" (1997),
section 3.8. With few groups (below about twenty) such intervals are too narrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.evaluation.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DEFAULT_DRAWS: Final = 2000
_LOW, _HIGH = 0.025, 0.975
# Group numbers that are drawn at once, so that many draws of many groups stay small.
_AT_ONCE: Final = 1 << 22


def estimate(
    values: NDArray[np.floating[Any]],
    groups: Sequence[str],
    *,
    seed: int = 0,
    draws: int = DEFAULT_DRAWS,
) -> Estimate:
    """Return the mean over the queries that count, with its 95 % interval.

    A draw takes G of the G groups that have a query that counts, with replacement. Group g, drawn
    w_g times, whose n_g queries that count add up to S_g, makes the mean of the draw
    Σ w_g S_g / Σ w_g n_g.

    Args:
        values: one for each query, shape (q,); NaN for a query that is skipped.
        groups: `Query.group` of each query, q of them.
        seed: the same seed gives the same interval.
        draws: how many, from 1 up.

    Returns:
        NaN everywhere where no query counts; an interval of NaN where all that count are of one
        group, which says nothing about others.

    Raises:
        UsageError: values and groups do not fit each other, or there is no draw.
    """
    if values.ndim != 1 or len(groups) != len(values) or draws < 1:
        raise UsageError(
            f"values of shape {values.shape}, {len(groups)} groups, {draws} draws: expected one "
            "group for each value, and at least one draw"
        )
    counted = ~np.isnan(values)
    kept = values[counted].astype(np.float64)
    if not len(kept):
        return Estimate(value=np.nan, low=np.nan, high=np.nan)
    value = float(kept.mean())
    _, owners = np.unique(np.asarray(groups)[counted], return_inverse=True)
    sizes = np.bincount(owners).astype(np.float64)
    if len(sizes) == 1:
        return Estimate(value=value, low=np.nan, high=np.nan)
    sums = np.bincount(owners, weights=kept).astype(np.float64)
    means = _means(sums, sizes, generator=np.random.default_rng(seed), draws=draws)
    low, high = np.quantile(means, [_LOW, _HIGH])
    return Estimate(value=value, low=float(low), high=float(high))


def paired_difference(
    values: NDArray[np.floating[Any]],
    baseline: NDArray[np.floating[Any]],
    groups: Sequence[str],
    *,
    seed: int = 0,
    draws: int = DEFAULT_DRAWS,
) -> Estimate:
    """Return the mean of values - baseline, query by query, with its 95 % interval.

    Both answered the same queries, so what makes a query hard for both cancels out. Where the
    interval includes 0, the two cannot be told apart.

    Args:
        values: of one variant, shape (q,); NaN for a query that is skipped.
        baseline: of the other one, for the same queries in the same order.
        groups: `Query.group` of each query.
        seed: as for `estimate`.
        draws: likewise.

    Raises:
        UsageError: the two differ in length or in the queries that they skip, or as `estimate`.
    """
    if values.shape != baseline.shape or not np.array_equal(np.isnan(values), np.isnan(baseline)):
        raise UsageError(
            f"values {values.shape} and baseline {baseline.shape} are not of the same queries; "
            "compare variants over one ground truth"
        )
    return estimate(values - baseline, groups, seed=seed, draws=draws)


def _means(
    sums: NDArray[np.float64],
    sizes: NDArray[np.float64],
    *,
    generator: np.random.Generator,
    draws: int,
) -> NDArray[np.float64]:
    """Return the mean of each draw, shape (draws,)."""
    count = len(sums)
    means = np.empty(draws, dtype=np.float64)
    rows = max(1, _AT_ONCE // count)
    for start in range(0, draws, rows):
        drawn = min(rows, draws - start)
        # How often each group was drawn is multinomial; counting draws is faster than its sampler.
        which = generator.integers(count, size=(drawn, count))
        which += np.arange(drawn)[:, None] * count
        weights = np.bincount(which.ravel(), minlength=drawn * count).reshape(drawn, count)
        # (drawn, groups) @ (groups,) -> (drawn,)
        means[start : start + drawn] = (weights @ sums) / (weights @ sizes)
    return means
