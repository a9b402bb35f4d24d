"""Rankings leave out the query and its junk, break ties by position, and need little memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_fixtures import naive_order, query, random_case, ranked, truth

from imgsearch.errors import UsageError
from imgsearch.evaluation.metrics import rankings as module
from imgsearch.evaluation.metrics.rankings import rank, similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCORES = np.array([[0.9, 0.5, 0.5, 0.8, 0.5, 0.1]], dtype=np.float32)


def test_a_ranking_by_hand() -> None:
    """Item 0 asks and item 3 is junk; 1, 2 and 4 are equal, so 2 is second and 4 third."""
    found = ranked(truth([query(0, [2, 5], [3])], items=6), SCORES)
    assert found.ranks.tolist() == [2, 4]
    assert found.offsets.tolist() == [0, 2]
    assert found.relevant_counts.tolist() == [2]
    assert found.ranked_counts.tolist() == [4]
    assert found.first.tolist() == [[1, 2, 4, 5, -1, -1]]
    np.testing.assert_allclose(found.first_scores, [[0.5, 0.5, 0.5, 0.1, np.nan, np.nan]])
    assert found.pair_precisions is None
    assert len(found) == 1


def test_the_first_answers_are_cut_within_a_tie_at_the_left_ones() -> None:
    found = ranked(truth([query(0, [2])], items=6), SCORES, depth=3)
    assert found.first.tolist() == [[3, 1, 2]]
    assert ranked(truth([query(0, [2])], items=6), SCORES, depth=0).first.shape == (1, 0)


def test_a_query_outside_of_the_gallery_takes_no_place_in_it() -> None:
    found = ranked(truth([query(0, [2])], items=4, gallery=[1, 2, 3]), SCORES[:, 3:])
    assert found.ranks.tolist() == [2]
    assert found.ranked_counts.tolist() == [3]
    assert found.first.tolist() == [[1, 2, 3]]


def test_a_query_without_relevant_items_stays_and_is_marked() -> None:
    found = ranked(truth([query(0, []), query(1, [0])], items=6), np.vstack([SCORES, SCORES]))
    assert found.relevant_counts.tolist() == [0, 1]
    assert found.offsets.tolist() == [0, 0, 1]
    assert found.first[0, 0] == 3


def test_no_query_at_all_is_an_empty_ranking() -> None:
    found = ranked(truth([], items=3), np.empty((0, 3), dtype=np.float32), across_queries=True)
    assert (len(found), len(found.ranks)) == (0, 0)
    assert found.offsets.tolist() == [0]


def test_an_empty_gallery_ranks_nothing() -> None:
    found = ranked(truth([query(0, [])], items=1, gallery=[]), np.empty((1, 0), dtype=np.float32))
    assert found.ranked_counts.tolist() == [0]


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), depth=st.integers(0, 12), block=st.integers(1, 2000))
def test_rankings_with_many_ties_are_the_naive_ones(seed: int, depth: int, block: int) -> None:
    """Whatever the size of a block."""
    ground_truth, scores = random_case(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_BYTES", block)
        found = ranked(ground_truth, scores, depth=depth)
    for place, (asked, row) in enumerate(zip(ground_truth.queries, scores, strict=True)):
        order = naive_order(asked, ground_truth.gallery, row)
        expected = [at for at, item in enumerate(order, start=1) if item in asked.relevant]
        inside = slice(found.offsets[place], found.offsets[place + 1])
        assert found.ranks[inside].tolist() == expected
        assert found.ranked_counts[place] == len(order)
        shown = found.first[place]
        assert shown[shown >= 0].tolist() == order[:depth]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), block=st.integers(1, 2000))
def test_precisions_across_queries_are_the_naive_ones(seed: int, block: int) -> None:
    ground_truth, scores = random_case(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_BYTES", block)
        found = ranked(ground_truth, scores, across_queries=True)
    pairs = []
    for asked, row in zip(ground_truth.queries, scores, strict=True):
        of = dict(zip(ground_truth.gallery.tolist(), row.tolist(), strict=True))
        order = naive_order(asked, ground_truth.gallery, row)
        pairs.append([(of[item], item in asked.relevant) for item in order])
    flat = [pair for ranking in pairs for pair in ranking]
    expected = [
        sum(right for other, right in flat if other >= score)
        / sum(1 for other, _ in flat if other >= score)
        for ranking in pairs
        for score, relevant in ranking
        if relevant
    ]
    assert found.pair_precisions is not None
    np.testing.assert_allclose(found.pair_precisions, expected, rtol=1e-12)


def test_blocks_stay_within_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores are asked for in order, each query once, and never more at once than fit."""
    monkeypatch.setattr(module, "_BLOCK_BYTES", 4 * 6 * 3)
    asked: list[list[int]] = []

    def scores(positions: NDArray[np.int64]) -> NDArray[np.float32]:
        asked.append(positions.tolist())
        return np.repeat(SCORES, len(positions), axis=0)

    rank(truth([query(0, [2])] * 7, items=6), scores)
    assert asked == [[0, 1, 2], [3, 4, 5], [6]]


def test_what_the_scores_come_from_is_not_modified() -> None:
    kept = SCORES.copy()
    rank(truth([query(0, [2], [3])], items=6), lambda _: kept, across_queries=True)
    np.testing.assert_array_equal(kept, SCORES)


def test_plain_similarity_is_the_inner_product() -> None:
    queries = np.array([[1, 0], [0, 2]], dtype=np.float64)
    gallery = np.array([[3, 4], [5, 6], [7, 8]], dtype=np.float32)
    scores = similarity(queries, gallery)(np.array([1]))
    assert scores.dtype == np.float32
    assert scores.tolist() == [[8, 12, 16]]
    with pytest.raises(UsageError, match="do not fit a gallery"):
        similarity(queries, gallery[:, :1])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (query(0, [0, 1]), "is relevant to itself"),
        (query(0, [1, 1]), "names a relevant item twice"),
        (query(0, [1, 2], [2]), "both relevant and junk"),
        (query(0, [5]), "not in the gallery"),
    ],
)
def test_a_ground_truth_that_contradicts_itself_is_refused(asked: Any, message: str) -> None:
    with pytest.raises(UsageError, match=rf"query 0 \(item 0\) .*{message}"):
        ranked(truth([asked], items=6, gallery=range(5)), SCORES[:, :5])


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (SCORES[:, :5], r"shape \(1, 5\): expected \(1, 6\)"),
        (np.where(SCORES[0, 3] == SCORES, np.nan, SCORES), "not finite"),
        (np.where(SCORES[0, 3] == SCORES, -np.inf, SCORES), "not finite"),
    ],
)
def test_scores_that_do_not_fit_are_refused(scores: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        rank(truth([query(0, [2])], items=6), lambda _: scores)


def test_other_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="depth -1"):
        ranked(truth([], items=6), SCORES, depth=-1)
    with pytest.raises(UsageError, match="do not ascend"):
        ranked(truth([], items=6, gallery=[2, 1]), SCORES)
