"""Average precision is the rectangular one, without the query, and ties do not move it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from imgsearch.errors import UsageError
from imgsearch.evaluation.metrics import average_precision as module
from imgsearch.evaluation.metrics.average_precision import (
    average_precision,
    average_precisions,
    mean_average_precision,
    mean_over_queries,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@pytest.mark.parametrize(
    ("relevant", "expected"),
    [
        ([True, False, True, False], (1 / 1 + 2 / 3) / 2),
        ([False, True], 1 / 2),
        ([True, True, True], 1.0),
        ([False, False, False, True, True], (1 / 4 + 2 / 5) / 2),
        ([True], 1.0),
    ],
)
def test_a_ranking_by_hand(relevant: list[bool], expected: float) -> None:
    assert average_precision(relevant) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("relevant", [[], [False], [False, False]])
def test_nothing_relevant_is_not_a_number(relevant: list[bool]) -> None:
    assert math.isnan(average_precision(np.array(relevant, dtype=np.bool_)))


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=60).filter(any))
def test_a_ranking_is_scored_as_scikit_learn_scores_it(relevant: list[bool]) -> None:
    """Its average_precision_score is rectangular too."""
    scores = -np.arange(len(relevant), dtype=np.float64)
    expected = average_precision_score(relevant, scores)
    assert average_precision(relevant) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=60).filter(any), st.data())
def test_moving_a_relevant_item_forward_never_lowers_the_score(
    relevant: list[bool], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(relevant) - 1))
    if place and relevant[place] and not relevant[place - 1]:
        better = relevant.copy()
        better[place - 1], better[place] = True, False
        assert average_precision(better) > average_precision(relevant)


def naive(
    queries: NDArray[np.floating[Any]],
    gallery: NDArray[np.floating[Any]],
    query_ids: Sequence[int],
    gallery_ids: Sequence[int],
    query_labels: Sequence[str],
    gallery_labels: Sequence[str],
) -> list[float]:
    """Rank item by item and count, as the definition reads."""
    out = []
    for query, own, label in zip(queries, query_ids, query_labels, strict=True):
        ranking = sorted(
            (-float(np.dot(query, item)), item_id, item_label == label)
            for item, item_id, item_label in zip(gallery, gallery_ids, gallery_labels, strict=True)
            if item_id != own
        )
        found, precisions = 0, []
        for rank, (_, _, relevant) in enumerate(ranking, start=1):
            if relevant:
                found += 1
                precisions.append(found / rank)
        out.append(math.fsum(precisions) / found if found else math.nan)
    return out


# Small whole numbers: their inner products are exact, and many of them are equal.
whole_rows = st.integers(-2, 2).map(float)


@settings(deadline=None)
@given(data=st.data(), asked=st.integers(0, 8), held=st.integers(0, 25), dim=st.integers(1, 3))
def test_whole_rankings_with_many_ties_are_the_naive_ones(
    data: st.DataObject, asked: int, held: int, dim: int
) -> None:
    def rows(count: int) -> NDArray[np.float32]:
        flat = data.draw(st.lists(whole_rows, min_size=count * dim, max_size=count * dim))
        return np.array(flat, dtype=np.float32).reshape(count, dim)

    def labels(count: int) -> list[str]:
        return data.draw(st.lists(st.sampled_from("abc"), min_size=count, max_size=count))

    queries, gallery = rows(asked), rows(held)
    gallery_ids = data.draw(st.lists(st.integers(0, 99), min_size=held, max_size=held, unique=True))
    query_ids = data.draw(st.lists(st.integers(0, 99), min_size=asked, max_size=asked))
    query_labels, gallery_labels = labels(asked), labels(held)
    measured = average_precisions(
        queries,
        gallery,
        query_ids=np.array(query_ids, dtype=np.int64),
        gallery_ids=np.array(gallery_ids, dtype=np.int64),
        query_labels=np.array(query_labels, dtype=np.str_),
        gallery_labels=np.array(gallery_labels, dtype=np.str_),
    )
    expected = naive(queries, gallery, query_ids, gallery_ids, query_labels, gallery_labels)
    np.testing.assert_allclose(measured, expected, rtol=1e-12)


def test_more_queries_than_a_block_are_the_naive_ones() -> None:
    generator = np.random.default_rng(0)
    count = module._BLOCK + 30
    rows = generator.normal(size=(count, 4))
    labels = generator.integers(0, 9, size=count)
    measured = average_precisions(
        rows,
        rows,
        query_ids=range(count),
        gallery_ids=range(count),
        query_labels=labels,
        gallery_labels=labels,
    )
    expected = naive(rows, rows, range(count), range(count), labels.tolist(), labels.tolist())
    np.testing.assert_allclose(measured, expected, rtol=1e-12)
    assert mean_average_precision(rows, labels).value == pytest.approx(np.mean(expected))


@settings(deadline=None)
@given(seed=st.integers(0, 999))
def test_the_order_of_the_gallery_does_not_matter_even_with_ties(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.integers(-1, 2, size=(20, 2)).astype(np.float32)
    labels, ids = generator.integers(0, 4, size=20), generator.permutation(100)[:20]
    order = generator.permutation(20)
    first, second = (
        average_precisions(
            rows,
            rows[some],
            query_ids=ids,
            gallery_ids=ids[some],
            query_labels=labels,
            gallery_labels=labels[some],
        )
        for some in (np.arange(20), order)
    )
    np.testing.assert_array_equal(first, second)


def test_the_query_is_left_out_by_its_id_wherever_it_ranks() -> None:
    """The query (1, 0) is the gallery's last, behind a longer vector: dropping rank 1 is wrong."""
    gallery = np.array([[3, 0], [2, 0], [1, 0]], dtype=np.float32)
    measured = average_precisions(
        gallery[2:],
        gallery,
        query_ids=[12],
        gallery_ids=[10, 11, 12],
        query_labels=["cat"],
        gallery_labels=["dog", "cat", "cat"],
    )
    np.testing.assert_allclose(measured, [1 / 2])


def test_relevant_items_with_negative_scores_count() -> None:
    """Some libraries drop what scores 0 or less."""
    gallery = np.array([[-1, 0], [0, 1], [-2, 0]], dtype=np.float32)
    measured = average_precisions(
        np.array([[1, 0]], dtype=np.float32),
        gallery,
        query_ids=[9],
        gallery_ids=[0, 1, 2],
        query_labels=[1],
        gallery_labels=[1, 2, 1],
    )
    np.testing.assert_allclose(measured, [(1 / 2 + 2 / 3) / 2])


def test_queries_without_anything_to_find_are_counted_and_left_out() -> None:
    rows = np.array([[1, 0], [1, 0.1], [0, 1]], dtype=np.float32)
    measured = mean_average_precision(rows, ["a", "a", "b"])
    assert (measured.value, measured.queries, measured.skipped) == (1.0, 2, 1)


def test_no_query_at_all_has_no_mean() -> None:
    measured = mean_over_queries(np.array([], dtype=np.float64))
    assert math.isnan(measured.value)
    assert (measured.queries, measured.skipped) == (0, 0)
    assert mean_average_precision(np.eye(2, dtype=np.float32), ["a", "b"]).skipped == 2


def test_what_does_not_fit_is_named() -> None:
    rows = np.eye(2, dtype=np.float32)
    with pytest.raises(UsageError, match="do not fit"):
        mean_average_precision(rows, ["a"])
    with pytest.raises(UsageError, match="not finite"):
        mean_average_precision(rows * np.nan, ["a", "b"])
    with pytest.raises(UsageError, match="not a list of booleans"):
        average_precision([1, 0])
    both = {"query_labels": ["a"] * 2, "gallery_labels": ["a"] * 2, "query_ids": [0, 1]}
    with pytest.raises(UsageError, match="twice"):
        average_precisions(rows, rows, gallery_ids=[3, 3], **both)
    with pytest.raises(UsageError, match="dim 2 do not fit a gallery of dim 1"):
        average_precisions(rows, rows[:, :1], gallery_ids=[3, 4], **both)
