"""Each metric is its formula, worked out by hand, and names say which metric is meant."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_fixtures import at_ranks, query, random_case, ranked, truth

from imgsearch.errors import UsageError
from imgsearch.evaluation.metrics import rank_metrics
from imgsearch.evaluation.metrics.metrics import DEFAULT_METRICS, NAMES, parse_metric

EVERY = [
    "mAP", "mAP-trapezoid", "mAP@3", "precision@3", "recall@3", "hit-rate@3", "R-precision",
    "MAP@R", "nDCG@3", "MRR", "N-S", "N-S@6", "mP@3",
]  # fmt: skip


def best_of(name: str) -> float:
    """Return the value of a perfect ranking with as many relevant items as k."""
    return float(parse_metric(name).k or 0) if name.startswith("N-S") else 1.0


def log2(value: float) -> float:
    return math.log2(value)


# Three queries: relevant at ranks 1, 3 and 6; at 2 alone; and none.
@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("mAP", (1 / 1 + 2 / 3 + 3 / 6) / 3, 1 / 2),
        # Points of the curve before and at each: (1, 1), (1/2, 2/3), (2/5, 3/6); and (0, 1/2).
        ("mAP-trapezoid", (1 + (1 / 2 + 2 / 3) / 2 + (2 / 5 + 3 / 6) / 2) / 3, (0 + 1 / 2) / 2),
        ("mAP@2", (1 / 1) / 2, 1 / 2),
        ("mAP@3", (1 / 1 + 2 / 3) / 3, 1 / 2),
        ("mAP@5", (1 / 1 + 2 / 3) / 3, 1 / 2),
        ("mAP@1", 1, 0),
        ("precision@1", 1, 0),
        ("precision@5", 2 / 5, 1 / 5),
        ("precision@200", 3 / 200, 1 / 200),
        ("recall@1", 1 / 3, 0),
        ("recall@3", 2 / 3, 1),
        ("recall@6", 1, 1),
        ("hit-rate@1", 1, 0),
        ("hit-rate@2", 1, 1),
        ("R-precision", 2 / 3, 0),
        ("MAP@R", (1 / 1 + 2 / 3) / 3, 0),
        ("nDCG@1", 1, 0),
        ("nDCG@2", 1 / (1 + 1 / log2(3)), 1 / log2(3)),
        ("nDCG@6", (1 + 1 / 2 + 1 / log2(7)) / (1 + 1 / log2(3) + 1 / 2), 1 / log2(3)),
        ("MRR", 1, 1 / 2),
        ("N-S", 1 + 2, 1 + 1),
        ("N-S@4", 1 + 2, 1 + 1),
        ("N-S@2", 1 + 1, 1 + 0),
        ("N-S@7", 1 + 3, 1 + 1),
        # Cut at 2, 5 and the last relevant item: 6 and 2.
        ("mP@2", 1 / 2, 1 / 2),
        ("mP@5", 2 / 5, 1 / 2),
        ("mP@10", 3 / 6, 1 / 2),
        ("mP@1", 1, 0),
    ],
)
def test_three_queries_by_hand(name: str, first: float, second: float) -> None:
    values = parse_metric(name).values(at_ranks([1, 3, 6], [2], []))
    np.testing.assert_allclose(values, [first, second, np.nan], rtol=1e-12)
    assert values.dtype == np.float64


def test_trapezoids_are_those_of_the_paper_by_hand() -> None:
    """Right, wrong, right: recall 1/2 at precision 1, then from (1/2, 1/2) to (1, 2/3).

    So the area is 1/2 · (1 + 1) / 2 + 1/2 · (1/2 + 2/3) / 2 = 1/2 + 7/24, where the staircase has
    1/2 + 1/2 · 2/3.
    """
    rankings = at_ranks([1, 3])
    assert parse_metric("mAP-trapezoid").values(rankings)[0] == pytest.approx(1 / 2 + 7 / 24)
    assert parse_metric("mAP").values(rankings)[0] == pytest.approx(1 / 2 + 1 / 3)


def test_micro_average_precision_by_hand() -> None:
    """Two queries and one that has no right answer, whose wrong pair at 0.7 counts all the same.

    The pairs in order: right 0.9, wrong 0.7, right and wrong 0.5 at one threshold, wrong 0.1,
    wrong 0.1. Precision is 1 at 0.9 and 2 / 4 at 0.5.
    """
    ground_truth = truth([query(2, [0]), query(3, [1]), query(4, [])], items=5, gallery=[0, 1])
    scores = np.array([[0.9, 0.1], [0.5, 0.5], [0.7, 0.1]], dtype=np.float32)
    rankings = ranked(ground_truth, scores, across_queries=True)
    metric = parse_metric("micro-AP")
    assert metric.across_queries
    np.testing.assert_allclose(metric.values(rankings), [1, 1 / 2, np.nan])


def test_micro_average_precision_weighs_pairs_and_not_queries() -> None:
    """The first query has both of its pairs right at the top, the second one its pair last."""
    ground_truth = truth([query(3, [0, 1]), query(4, [2])], items=5, gallery=[0, 1, 2])
    scores = np.array([[0.9, 0.8, 0.3], [0.3, 0.3, 0.1]], dtype=np.float32)
    values = parse_metric("micro-AP").values(ranked(ground_truth, scores, across_queries=True))
    # (1 + 1 + 3 / 6) / 3, of which the second query contributes a fifth.
    np.testing.assert_allclose(values, [2 * 2 / 3, 2 * 0.5 / 3])
    assert np.mean(values) == pytest.approx((1 + 1 + 3 / 6) / 3)


def test_micro_average_precision_asks_for_the_ranking_that_it_needs() -> None:
    with pytest.raises(UsageError, match="across_queries=True"):
        parse_metric("micro-AP").values(at_ranks([1]))


# Laws.


@pytest.mark.parametrize("name", [*EVERY, "micro-AP"])
def test_a_perfect_ranking_has_the_best_value(name: str) -> None:
    """As many relevant items as k, all in front."""
    metric = parse_metric(name)
    count = metric.k or 5
    relevant = range(count - 1) if name.startswith("N-S") else range(count)
    row = np.linspace(1, 0, 12, dtype=np.float32)[None]
    rankings = ranked(truth([query(11, relevant)], items=12), row, across_queries=True)
    np.testing.assert_allclose(metric.values(rankings), [best_of(name)])


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_values_stay_in_their_range_and_skip_the_same_queries(seed: int) -> None:
    rankings = ranked(*random_case(seed))
    skipped = rankings.relevant_counts == 0
    for name in EVERY:
        metric = parse_metric(name)
        values = metric.values(rankings)
        np.testing.assert_array_equal(np.isnan(values), skipped)
        assert np.nanmin(values, initial=0.5) >= 0
        assert np.nanmax(values, initial=0.5) <= best_of(name) + 1e-12


@settings(deadline=None, max_examples=60)
@given(
    ranks=st.sets(st.integers(1, 40), min_size=1, max_size=12),
    name=st.sampled_from([name for name in EVERY if not name.startswith("mP")]),
    data=st.data(),
)
def test_moving_a_relevant_item_forward_never_lowers_a_value(
    ranks: set[int], name: str, data: st.DataObject
) -> None:
    """A relevant item changes places with the wrong one before it."""
    movable = sorted(place for place in ranks if place > 1 and place - 1 not in ranks)
    if movable:
        moved = data.draw(st.sampled_from(movable))
        better = sorted(ranks - {moved} | {moved - 1})
        before, after = parse_metric(name).values(at_ranks(sorted(ranks), better))
        assert after >= before - 1e-12


@settings(deadline=None, max_examples=60)
@given(ranks=st.sets(st.integers(1, 40), min_size=1, max_size=12))
def test_trapezoids_never_exceed_the_staircase(ranks: set[int]) -> None:
    rankings = at_ranks(sorted(ranks))
    trapezoid = parse_metric("mAP-trapezoid").values(rankings)[0]
    assert trapezoid <= parse_metric("mAP").values(rankings)[0] + 1e-12


def test_no_query_has_no_values() -> None:
    for name in EVERY:
        assert parse_metric(name).values(at_ranks()).shape == (0,)


# Names.


@pytest.mark.parametrize("name", [*EVERY, "micro-AP", "recall@1000"])
def test_equal_names_are_equal_metrics(name: str) -> None:
    metric = parse_metric(name)
    assert metric.name == name
    assert metric == parse_metric(name)
    assert metric.across_queries == (name == "micro-AP")


def test_every_formula_is_written_down_with_its_source() -> None:
    functions = [
        member
        for name, member in inspect.getmembers(rank_metrics, inspect.isfunction)
        if member.__module__ == rank_metrics.__name__ and not name.startswith("_")
    ]
    assert len(functions) == len(NAMES)
    for function in functions:
        formula, _, rest = (function.__doc__ or "").partition("\n\n")
        assert "=" in formula
        assert "Source:" in rest


def test_the_number_is_the_one_in_the_name_or_the_usual_one() -> None:
    numbers = [parse_metric(name).k for name in ("recall@10", "N-S@6", "N-S", "mAP")]
    assert numbers == [10, 6, 4, None]


def test_names_can_be_asked_for() -> None:
    assert [parse_metric(name.replace("@K", "@7")).name.partition("@")[0] for name in NAMES] == [
        name.partition("@")[0] for name in NAMES
    ]
    assert next(metric.name for metric in DEFAULT_METRICS) == "mAP"


@pytest.mark.parametrize("text", ["map", "", "recall", "mAP@R@3", "MRR@10", "MAP@5", "F1", "mAP@"])
def test_an_unknown_name_is_answered_with_all_names(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_metric(text)
    if text not in {"mAP@", "mAP@R@3"}:
        assert "recall@K" in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["recall@0", "recall@-1", "recall@x", "recall@", "recall@1.5",
                                  "recall@07", "N-S@", "precision@²"])  # fmt: skip
def test_a_number_that_is_none_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="whole number from 1 up"):
        parse_metric(text)
