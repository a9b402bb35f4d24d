"""Nothing on the Pareto front is dominated, and everything off it is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.errors import UsageError
from imgsearch.evaluation.metrics.pareto import pareto_best

NAN = math.nan


@pytest.mark.parametrize(
    ("quality", "cost", "expected"),
    [
        ([], [], []),
        ([0.5], [3.0], [True]),
        # Better and more expensive, worse and cheaper: both. Worse and more expensive: not.
        ([0.9, 0.5, 0.4], [9, 1, 5], [True, True, False]),
        # As good and more expensive; as expensive and worse.
        ([0.9, 0.9, 0.8], [1, 2, 1], [True, False, False]),
        # Equal in both: both are, or neither is.
        ([0.9, 0.9, 0.1, 0.1], [1, 1, 2, 2], [True, True, False, False]),
        # An unknown figure dominates nothing.
        ([NAN, 0.1, 0.9], [0, 5, NAN], [False, True, False]),
        ([NAN, NAN], [1, 2], [False, False]),
        ([math.inf, 0.5], [math.inf, 1], [True, True]),
        # Costs that differ by a thousandth differ: rounded to one step, the second would be worse.
        ([0.7, 0.69, 0.68], [1.001, 1, 1.0005], [True, True, False]),
    ],
)
def test_fronts_by_hand(quality: list[float], cost: list[float], expected: list[bool]) -> None:
    found = pareto_best(quality, cost)
    assert found.dtype == np.bool_
    assert found.tolist() == expected


FIGURES = st.one_of(st.integers(0, 5).map(float), st.floats(allow_infinity=True))


@given(st.lists(st.tuples(FIGURES, FIGURES), max_size=30))
def test_what_is_on_the_front_is_dominated_by_nothing_and_all_else_is(
    choices: list[tuple[float, float]],
) -> None:
    def beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
        return one[0] >= other[0] and one[1] <= other[1] and one != other

    quality, cost = [one[0] for one in choices], [one[1] for one in choices]
    for choice, best in zip(choices, pareto_best(quality, cost).tolist(), strict=True):
        unknown = math.isnan(choice[0]) or math.isnan(choice[1])
        assert best == (not unknown and not any(beats(other, choice) for other in choices))


@pytest.mark.parametrize(("quality", "cost"), [([1.0], [1.0, 2.0]), ([[1.0]], [[1.0]])])
def test_what_does_not_fit_is_refused(quality: list[float], cost: list[float]) -> None:
    with pytest.raises(UsageError, match="do not fit"):
        pareto_best(quality, cost)
