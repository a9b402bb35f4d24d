"""Of all ways to search that find enough, the cheapest is taken, judged by one search of all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.vectors.tuning import Trial

LISTS = 8


def trial(
    nearness: list[list[int]], is_true: list[list[int]], *, sizes: tuple[int, ...] = (100,) * LISTS
) -> Trial:
    """Return a trial in which all lists are alike to all queries."""
    queries = len(nearness)
    return Trial(
        products=np.tile(np.linspace(0.9, 0.2, LISTS, dtype=np.float32), (queries, 1)),
        sizes=np.tile(np.array(sizes, np.int64), (queries, 1)),
        nearness=np.array(nearness, np.int64),
        is_true=np.array(is_true, np.bool_),
        neighbours=int(np.sum(is_true)),
        code_bytes=40,
        refined_bytes=640,
    )


def test_what_is_in_far_lists_takes_more_of_them_and_what_is_far_behind_more_candidates() -> None:
    near = trial([[0, 0, 0, 0]], [[1, 1, 0, 0]]).best((2, 4), 1.0)
    assert (near.probed, near.refinement, near.recall) == (1, 2, 1.0)
    behind = trial([[0, 0, 0, 0]], [[1, 0, 0, 1]]).best((2, 4), 1.0)
    assert (behind.probed, behind.refinement, behind.recall) == (1, 4, 1.0)
    far = trial([[0, 3, 0, 0]], [[1, 1, 0, 0]]).best((2, 4), 1.0)
    assert (far.probed, far.refinement, far.recall) == (4, 2, 1.0)


def test_a_rule_sees_only_the_candidates_of_its_lists() -> None:
    """Through one list the last candidate is the second; through three it would be the fourth."""
    found = trial([[0, 1, 2, 0]], [[1, 0, 0, 1]]).best((2, 4), 1.0)
    assert (found.probed, found.refinement) == (1, 2)


def test_where_nothing_finds_enough_what_finds_most_is_taken() -> None:
    found = trial([[0, LISTS, 0, 0]], [[1, 1, 0, 0]]).best((1,), 0.9)
    assert found.recall == pytest.approx(0.5)
    assert found.probed == 1


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 999), target=st.floats(0.1, 1))
def test_no_cheaper_pair_finds_enough(seed: int, target: float) -> None:
    random = np.random.default_rng(seed)
    tried = trial(
        random.integers(0, LISTS + 1, (5, 40)).tolist(),
        (random.random((5, 40)) < 0.2).astype(int).tolist(),
        sizes=tuple(random.integers(1, 500, LISTS).tolist()),
    )
    best = tried.best((5, 10, 20), target)
    pairs = list(tried.pairs((5, 10, 20)))
    enough = [pair for pair in pairs if pair.recall >= target]
    if enough:
        assert best.recall >= target
        assert best.cost == min(pair.cost for pair in enough)
    else:
        assert best.recall == max(pair.recall for pair in pairs)
