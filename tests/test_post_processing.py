"""Post-processing does what the papers' formulas say, written out again in float64 sets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.errors import UsageError
from imgsearch.evaluation.retrieval import neighbours as neighbours_module
from imgsearch.evaluation.retrieval.neighbours import nearest
from imgsearch.evaluation.retrieval.post_processing import (
    augment,
    expand_queries,
    reciprocal_scores,
)
from imgsearch.evaluation.retrieval.reciprocal import SparseRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Rows = np.ndarray[Any, np.dtype[Any]]
NONE = np.empty(0, dtype=np.int64)


def unit_rows(count: int, dim: int, seed: int) -> NDArray[np.float32]:
    """Rows of length 1 in a few bundles, so that some are neighbours of each other."""
    generator = np.random.default_rng(seed)
    bundles = generator.normal(size=(max(1, count // 4), dim))
    rows = bundles[generator.integers(len(bundles), size=count)]
    rows = rows + 0.6 * generator.normal(size=(count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def ownself(count: int) -> list[NDArray[np.int64]]:
    """Every query excludes the row of its own number."""
    return [np.array([row]) for row in range(count)]


# Naive: loops and sets in float64.


def naive_order(vector: Rows, gallery: Rows, without: set[int]) -> list[int]:
    """Return the rows of a gallery, nearest first, ties by position."""
    scores = [math.fsum(map(float, vector * row)) for row in gallery.astype(np.float64)]
    return sorted(set(range(len(gallery))) - without, key=lambda row: (-scores[row], row))


def naive_expansion(
    queries: Rows, gallery: Rows, k: int, alpha: float, excluded: Sequence[Rows]
) -> NDArray[np.float64]:
    """Add the first k, each by the power of its score."""
    out = []
    for query, without in zip(queries.astype(np.float64), excluded, strict=True):
        moved = query.copy()
        for row in naive_order(query, gallery, set(without.tolist()))[:k]:
            neighbour = gallery[row].astype(np.float64)
            moved = moved + max(0.0, float(query @ neighbour)) ** alpha * neighbour
        out.append(moved / np.linalg.norm(moved))
    return np.array(out)


def naive_encoding(vector: Rows, members: set[int], gallery: Rows) -> NDArray[np.float64]:
    """Weigh every member by its distance."""
    encoding = np.zeros(len(gallery))
    for g in members:
        encoding[g] = math.exp(-(1 - float(vector @ gallery[g])))
    return encoding


def naive_reciprocal(
    queries: Rows,
    gallery: Rows,
    *,
    query_rows: Sequence[int],
    k1: int,
    k2: int,
    weight: float,
    excluded: Sequence[Rows],
) -> NDArray[np.float64]:
    """Follow the paper with Python's sets; a stranger enters the others' lists by its score."""
    gallery, queries = gallery.astype(np.float64), queries.astype(np.float64)
    n = len(gallery)
    order = [naive_order(gallery[g], gallery, {g}) for g in range(n)]

    def reciprocal(g: int, k: int) -> set[int]:
        return {g} | {other for other in order[g][:k] if g in order[other][:k]}

    def expand(members: set[int]) -> set[int]:
        whole = set(members)
        for g in members:
            theirs = reciprocal(g, round(k1 / 2))
            if len(members & theirs) >= 2 / 3 * len(theirs) - 1e-12:
                whole |= theirs
        return whole

    def has(g: int, query: Rows, row: int) -> bool:
        nearer = [other for other in order[g] if gallery[g] @ gallery[other] >= query @ gallery[g]]
        return row in order[g][:k1] if row >= 0 else len(nearer) < k1

    def mean(own: NDArray[np.float64], near: list[int]) -> NDArray[np.float64]:
        return np.mean([own, *(plain[g] for g in near[: k2 - 1])], axis=0)

    plain = [naive_encoding(gallery[g], expand(reciprocal(g, k1)), gallery) for g in range(n)]
    averaged = [mean(plain[g], order[g]) for g in range(n)]
    out = np.zeros((len(queries), n))
    for q, (query, row, without) in enumerate(zip(queries, query_rows, excluded, strict=True)):
        found = naive_order(query, gallery, {*without.tolist(), row})
        members = {row} - {-1} | {g for g in found[:k1] if has(g, query, row)}
        own = mean(naive_encoding(query, expand(members), gallery), found)
        for g in range(n):
            larger = np.maximum(own, averaged[g]).sum()
            shared = np.minimum(own, averaged[g]).sum() / larger if larger else 0.0
            distance = (1 - weight) * (1 - shared) + weight * (1 - float(query @ gallery[g]))
            out[q, g] = 1 - distance
    return out


# By hand.

# Four unit vectors in the plane: two near the first axis, two along the second.
PLANE = np.array([[1, 0], [0.8, 0.6], [0, 1], [0, 1]])


def test_neighbours_by_hand() -> None:
    """The first is asked for; the second scores 0.8, the last two tie at 0."""
    found = nearest(PLANE[:1], PLANE, k=3, excluded=[np.array([0])])
    assert found.positions.tolist() == [[1, 2, 3]]
    np.testing.assert_allclose(found.scores, [[0.8, 0, 0]])
    short = nearest(PLANE[:1], PLANE[:2], k=3, excluded=[np.array([0])])
    assert short.positions.tolist() == [[1, -1, -1]]
    assert short.scores[0, 1:].tolist() == [-math.inf, -math.inf]


@pytest.mark.parametrize(
    ("alpha", "moved"),
    [
        (0, (1 + 0.8, 0.6)),
        (1, (1 + 0.8 * 0.8, 0.8 * 0.6)),
        (3, (1 + 0.512 * 0.8, 0.512 * 0.6)),
    ],
)
def test_expansion_by_hand(alpha: float, moved: tuple[float, float]) -> None:
    """The one neighbour, (0.8, 0.6), scores 0.8, and weighs 0.8 to the power alpha."""
    expanded = expand_queries(PLANE[:1], PLANE, k=1, alpha=alpha, excluded=[np.array([0])])
    np.testing.assert_allclose(expanded, [np.array(moved) / math.hypot(*moved)], rtol=1e-6)


def test_a_neighbour_on_the_far_side_weighs_nothing_unless_all_weigh_the_same() -> None:
    gallery = np.array([[1, 0], [-0.6, 0.8]])
    asked, excluded = gallery[:1], [np.array([0])]
    alone = expand_queries(asked, gallery, k=1, alpha=2, excluded=excluded)
    np.testing.assert_allclose(alone, asked)
    average = expand_queries(asked, gallery, k=1, alpha=0, excluded=excluded)
    np.testing.assert_allclose(average, [np.array([0.4, 0.8]) / math.hypot(0.4, 0.8)], rtol=1e-6)


def test_what_cancels_out_is_left_as_it_was() -> None:
    gallery = np.array([[1.0, 0], [-1, 0]])
    np.testing.assert_array_equal(augment(gallery, k=1, alpha=0), gallery)


def test_augmentation_by_hand() -> None:
    """The first two move towards each other by 0.8; the twins have each other."""
    moved = np.array([[1 + 0.8 * 0.8, 0.8 * 0.6], [0.8 + 0.8, 0.6], [0, 2], [0, 2]])
    expected = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    np.testing.assert_allclose(augment(PLANE, k=1, alpha=1), expected, rtol=1e-6)


def test_reranking_by_hand() -> None:
    """With one neighbour each: 0 and 1 have each other, 2 and 3 too; one half is no neighbour.

    The encodings are V_0 = (1, e^-0.2, 0, 0) and V_1 = (e^-0.2, 1, 0, 0), so J is 2 e^-0.2 / 2.
    """
    scores = reciprocal_scores(
        PLANE,
        PLANE,
        query_rows=np.arange(4),
        k1=1,
        k2=1,
        weight=0.25,
        excluded=ownself(4),
    )(np.arange(4))
    near = 0.75 * math.exp(-0.2) + 0.25 * 0.8
    expected = [
        [1, near, 0, 0],
        [near, 1, 0.25 * 0.6, 0.25 * 0.6],
        [0, 0.25 * 0.6, 1, 1],
        [0, 0.25 * 0.6, 1, 1],
    ]
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_a_neighbour_that_does_not_answer_is_not_reciprocal() -> None:
    """On a line at 0°, 10°, 15° and 60°: the first has the second, which has the third instead."""
    angles = np.radians([0, 10, 15, 60])
    line = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    scores = reciprocal_scores(
        line, line, query_rows=np.arange(4), k1=1, k2=1, weight=0, excluded=ownself(4)
    )(np.array([0, 1]))
    both = math.exp(math.cos(math.radians(5)) - 1)
    np.testing.assert_allclose(scores, [[1, 0, 0, 0], [0, 1, both, 0]], atol=1e-6)


def test_sparse_rows_by_hand() -> None:
    """[[0, 2], [3, 0]] and its columns as rows; an empty row is a row."""
    rows = SparseRows.of(
        [
            (np.array([1]), np.array([2], np.float32)),
            (np.array([0]), np.array([3], np.float32)),
        ]
    )
    assert rows.sums().tolist() == [2, 3]
    turned = rows.transposed()
    assert [part.tolist() for part in turned[0]] == [[1], [3]]
    assert [part.tolist() for part in turned[1]] == [[0], [2]]
    empty = SparseRows.of([(np.empty(0, np.intp), np.empty(0, np.float32))])
    assert (len(empty), empty.sums().tolist(), len(empty.transposed())) == (1, [0], 1)


# Against the naive ones.


@settings(deadline=None, max_examples=40)
@given(
    count=st.integers(1, 12),
    k=st.integers(0, 14),
    alpha=st.sampled_from([0.0, 1.0, 2.5, 3.0]),
    seed=st.integers(0, 999),
)
def test_expansion_and_augmentation_are_the_naive_sums(
    count: int, k: int, alpha: float, seed: int
) -> None:
    gallery = unit_rows(count, 5, seed)
    queries = unit_rows(7, 5, seed + 1)
    excluded = [np.array([row % count]) if row % 2 else NONE for row in range(7)]
    expected = naive_expansion(queries, gallery, k, alpha, excluded)
    moved = expand_queries(queries, gallery, k=k, alpha=alpha, excluded=excluded)
    np.testing.assert_allclose(moved, expected, atol=1e-5)
    expected = naive_expansion(gallery, gallery, k, alpha, ownself(count))
    np.testing.assert_allclose(augment(gallery, k=k, alpha=alpha), expected, atol=1e-5)


@settings(deadline=None, max_examples=60)
@given(
    count=st.integers(1, 16),
    k1=st.integers(1, 9),
    k2=st.integers(1, 6),
    weight=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 999),
)
def test_reranking_is_the_naive_one(count: int, k1: int, k2: int, weight: float, seed: int) -> None:
    """Queries of the gallery and strangers together, with further rows that some must not use."""
    gallery = unit_rows(count, 6, seed)
    queries = np.concatenate([gallery, unit_rows(3, 6, seed + 1)])
    rows = np.array([*range(count), -1, -1, -1])
    excluded = [*ownself(count), NONE, np.array([0]), np.arange(count)]
    arguments = {"k1": k1, "k2": k2, "weight": weight, "excluded": excluded}
    expected = naive_reciprocal(queries, gallery, query_rows=rows.tolist(), **arguments)
    scores = reciprocal_scores(queries, gallery, query_rows=rows, **arguments)
    asked = np.arange(len(queries))
    np.testing.assert_allclose(scores(asked), expected, atol=1e-5)
    np.testing.assert_allclose(scores(asked[::-2]), expected[::-2], atol=1e-5)


# Laws.


@settings(deadline=None, max_examples=30)
@given(k=st.integers(0, 5), alpha=st.floats(0, 6), seed=st.integers(0, 999))
def test_what_is_moved_has_length_one(k: int, alpha: float, seed: int) -> None:
    moved = augment(unit_rows(9, 4, seed), k=k, alpha=alpha)
    assert moved.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-6)


def test_without_neighbours_nothing_is_moved() -> None:
    rows = unit_rows(6, 4, 0)
    np.testing.assert_allclose(augment(rows, k=0, alpha=3), rows, atol=1e-6)
    np.testing.assert_allclose(augment(rows[:1], k=4, alpha=3), rows[:1], atol=1e-6)
    everything = [np.arange(6)] * 6
    alone = expand_queries(rows, rows, k=3, alpha=0, excluded=everything)
    np.testing.assert_allclose(alone, rows, atol=1e-6)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999))
def test_the_order_of_the_gallery_changes_nothing(seed: int) -> None:
    rows = unit_rows(14, 5, seed)
    order = np.random.default_rng(seed).permutation(14)
    np.testing.assert_allclose(
        augment(rows[order], k=3, alpha=2), augment(rows, k=3, alpha=2)[order], atol=1e-6
    )
    queries = unit_rows(3, 5, seed + 1)
    settled = {"query_rows": np.full(3, -1), "k1": 4, "k2": 3, "weight": 0.3}
    settled["excluded"] = [NONE] * 3
    plain = reciprocal_scores(queries, rows, **settled)(np.arange(3))
    turned = reciprocal_scores(queries, rows[order], **settled)(np.arange(3))
    np.testing.assert_allclose(turned, plain[:, order], atol=1e-6)


@settings(deadline=None, max_examples=20)
@given(k1=st.integers(1, 6), k2=st.integers(1, 4), seed=st.integers(0, 999))
def test_shared_neighbours_are_symmetric_and_whole_with_oneself(
    k1: int, k2: int, seed: int
) -> None:
    rows = unit_rows(12, 5, seed)
    scores = reciprocal_scores(
        rows, rows, query_rows=np.arange(12), k1=k1, k2=k2, weight=0, excluded=ownself(12)
    )(np.arange(12))
    np.testing.assert_allclose(scores, scores.T, atol=1e-6)
    np.testing.assert_allclose(scores.diagonal(), 1, atol=1e-6)
    assert scores.min() >= 0
    assert scores.max() <= 1 + 1e-6


def test_all_the_weight_on_the_score_is_the_plain_score() -> None:
    rows = unit_rows(12, 5, 3)
    scores = reciprocal_scores(
        rows, rows, query_rows=np.arange(12), k1=4, k2=2, weight=1, excluded=ownself(12)
    )(np.arange(12))
    np.testing.assert_allclose(scores, rows @ rows.T, atol=1e-6)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = unit_rows(30, 5, 4)
    settled = {"query_rows": np.arange(30), "k1": 5, "k2": 3, "weight": 0.3}
    settled["excluded"] = ownself(30)
    whole = reciprocal_scores(rows, rows, **settled)(np.arange(30))
    moved = augment(rows, k=3, alpha=3)
    monkeypatch.setattr(neighbours_module, "BLOCK", 7)
    monkeypatch.setattr("imgsearch.evaluation.retrieval.reciprocal.BLOCK", 7)
    np.testing.assert_allclose(augment(rows, k=3, alpha=3), moved, atol=1e-6)
    blocks = reciprocal_scores(rows, rows, **settled)(np.arange(30))
    np.testing.assert_allclose(blocks, whole, atol=1e-6)


def test_a_copy_of_the_query_under_another_number_may_be_used() -> None:
    """Only what is excluded is left out, not what looks the same."""
    twins = np.array([[1.0, 0], [1, 0], [0, 1]])
    found = nearest(twins, twins, k=1, excluded=ownself(3))
    assert found.positions[:2].tolist() == [[1], [0]]


# Arguments.


def test_what_does_not_fit_is_refused() -> None:
    rows = unit_rows(4, 3, 0)
    with pytest.raises(UsageError, match="not rows of one length"):
        expand_queries(rows[:, :2], rows, k=1, alpha=1, excluded=[NONE] * 4)
    with pytest.raises(UsageError, match="3 lists for 4 queries"):
        expand_queries(rows, rows, k=1, alpha=1, excluded=[NONE] * 3)
    with pytest.raises(UsageError, match="not all rows of a gallery of 4"):
        expand_queries(rows, rows, k=1, alpha=1, excluded=[np.array([4])] * 4)
    with pytest.raises(UsageError, match="not finite"):
        augment(rows * math.inf, k=1, alpha=1)
    with pytest.raises(UsageError, match="k: -1"):
        augment(rows, k=-1, alpha=1)
    with pytest.raises(UsageError, match="alpha: -1"):
        augment(rows, k=1, alpha=-1)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"k1": 0}, "k1 0"),
        ({"k2": 0}, "k2 0"),
        ({"weight": 1.5}, "weight 1.5"),
        ({"weight": math.nan}, "weight nan"),
        ({"query_rows": np.arange(3)}, "query_rows"),
        ({"query_rows": np.full(4, 4)}, "query_rows"),
        ({"query_rows": np.full(4, -2)}, "query_rows"),
    ],
)
def test_parameters_out_of_range_are_refused(changed: dict[str, Any], message: str) -> None:
    rows = unit_rows(4, 3, 0)
    fitting = {"query_rows": np.arange(4), "k1": 2, "k2": 2, "weight": 0.3, "excluded": ownself(4)}
    with pytest.raises(UsageError, match=message):
        reciprocal_scores(rows, rows, **(fitting | changed))
