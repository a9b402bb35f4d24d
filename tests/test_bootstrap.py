"""Intervals are percentiles over draws of whole groups, and hold the truth as often as they say."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.errors import UsageError
from imgsearch.evaluation.metrics import bootstrap as module
from imgsearch.evaluation.metrics.bootstrap import estimate, paired_difference


def test_two_groups_by_hand() -> None:
    """Draws are both groups (half of them), or one of them twice: means 1/4, 0 and 1.

    Three queries of value 0 make the first group, one of value 1 the second.
    """
    found = estimate(np.array([0.0, 0, 0, 1]), ["a", "a", "a", "b"])
    assert (found.value, found.low, found.high) == (0.25, 0.0, 1.0)


def test_draws_have_the_probabilities_of_all_ways_to_draw() -> None:
    """Three groups of different sizes: 27 equally likely draws, each mean worked out."""
    sums, sizes = np.array([1.0, 0.5, 6.0]), np.array([2.0, 1.0, 8.0])
    ways = [
        sums[list(drawn)].sum() / sizes[list(drawn)].sum() for drawn in product(range(3), repeat=3)
    ]
    expected = {value: ways.count(value) / 27 for value in ways}
    means = module._means(sums, sizes, generator=np.random.default_rng(3), draws=27_000)
    for value, share in expected.items():
        measured = np.mean(np.isclose(means, value))
        near = sum(other for at, other in expected.items() if math.isclose(at, value))
        assert measured == pytest.approx(near, abs=0.01), (value, share)


def test_one_query_in_each_group_is_the_bootstrap_over_queries() -> None:
    """The standard error of a mean is s / √n; the interval reaches 1.96 of them either way."""
    values = np.random.default_rng(0).normal(0.6, 0.1, size=400)
    found = estimate(values, [str(number) for number in range(400)], draws=4000)
    error = values.std() / math.sqrt(400)
    assert found.low == pytest.approx(found.value - 1.96 * error, abs=0.1 * error)
    assert found.high == pytest.approx(found.value + 1.96 * error, abs=0.1 * error)


def test_groups_that_stand_or_fall_together_widen_the_interval() -> None:
    """Ten queries that say the same are one: √10 times as wide as if they were independent."""
    of_groups = np.random.default_rng(1).normal(size=100)
    values, groups = np.repeat(of_groups, 10), np.repeat(np.arange(100), 10).astype(str)
    together = estimate(values, groups.tolist())
    apart = estimate(values, [str(number) for number in range(1000)])
    ratio = (together.high - together.low) / (apart.high - apart.low)
    assert ratio == pytest.approx(math.sqrt(10), rel=0.1)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of 400 collections of 40 classes, about 95 % of the intervals hold the true mean."""
    generator = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        sizes = generator.integers(1, 8, size=40)
        values = np.repeat(generator.normal(size=40), sizes)
        values += generator.normal(size=len(values))
        groups = np.repeat(np.arange(40), sizes).astype(str).tolist()
        found = estimate(values, groups, draws=400)
        held += found.low <= 0 <= found.high
    assert 0.90 <= held / 400 <= 0.98


def test_a_difference_is_paired() -> None:
    """What makes queries hard for both cancels: the interval of the difference is narrow."""
    generator = np.random.default_rng(2)
    baseline = generator.random(200)
    values = baseline + 0.02 + generator.normal(0, 0.01, size=200)
    groups = [str(number) for number in range(200)]
    found = paired_difference(values, baseline, groups)
    assert found.value == pytest.approx(np.mean(values - baseline))
    assert 0 < found.low < found.value < found.high < 0.03
    alone = estimate(values, groups)
    assert alone.high - alone.low > 10 * (found.high - found.low)


def test_a_variant_does_not_differ_from_itself() -> None:
    values = np.array([0.1, np.nan, 0.7])
    found = paired_difference(values, values, ["a", "b", "c"])
    assert (found.value, found.low, found.high) == (0, 0, 0)


@settings(deadline=None, max_examples=40)
@given(
    values=st.lists(st.floats(-1, 1) | st.just(math.nan), min_size=1, max_size=30),
    data=st.data(),
)
def test_skipped_queries_do_not_matter(values: list[float], data: st.DataObject) -> None:
    groups = data.draw(
        st.lists(st.sampled_from("abcd"), min_size=len(values), max_size=len(values))
    )
    counted = [
        (value, group) for value, group in zip(values, groups, strict=True) if not math.isnan(value)
    ]
    found = estimate(np.array(values), groups, draws=50)
    kept = estimate(
        np.array([value for value, _ in counted], dtype=np.float64),
        [group for _, group in counted],
        draws=50,
    )
    np.testing.assert_array_equal(
        [found.value, found.low, found.high], [kept.value, kept.low, kept.high]
    )


@settings(deadline=None, max_examples=40)
@given(values=st.lists(st.floats(-1, 1), min_size=2, max_size=30), shift=st.floats(-2, 2))
def test_intervals_move_with_the_values_and_stay_among_them(
    values: list[float], shift: float
) -> None:
    groups = [str(number % 7) for number in range(len(values))]
    found = estimate(np.array(values), groups, draws=50)
    moved = estimate(np.array(values) + shift, groups, draws=50)
    assert moved.low == pytest.approx(found.low + shift, abs=1e-9)
    assert moved.high == pytest.approx(found.high + shift, abs=1e-9)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


def test_the_same_seed_gives_the_same_interval() -> None:
    values, groups = np.random.default_rng(0).random(50), [str(number) for number in range(50)]
    assert estimate(values, groups, seed=4) == estimate(values, groups, seed=4)
    assert estimate(values, groups, seed=4) != estimate(values, groups, seed=5)


def test_draws_in_several_parts_are_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    values, groups = np.random.default_rng(0).random(50), [str(number) for number in range(50)]
    whole = estimate(values, groups)
    monkeypatch.setattr(module, "_AT_ONCE", 50 * 7)
    assert estimate(values, groups) == whole


def test_nothing_that_counts_has_no_figure_and_one_group_no_interval() -> None:
    nothing = estimate(np.array([np.nan]), ["a"])
    assert math.isnan(nothing.value)
    assert math.isnan(nothing.low)
    one = estimate(np.array([0.25, 0.75, np.nan]), ["a", "a", "b"])
    assert one.value == 0.5
    assert math.isnan(one.low)
    assert math.isnan(one.high)


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(UsageError, match="one group for each value"):
        estimate(np.zeros(2), ["a"])
    with pytest.raises(UsageError, match="at least one draw"):
        estimate(np.zeros(2), ["a", "b"], draws=0)
    with pytest.raises(UsageError, match="not of the same queries"):
        paired_difference(np.array([0.0, 1]), np.array([0, np.nan]), ["a", "b"])
