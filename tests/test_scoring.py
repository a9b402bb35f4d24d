"""Scores are the same digits, however many questions are scored together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from imgsearch.search import scoring
from imgsearch.search.scoring import scored_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.search.search_space import Space
    from imgsearch.storage.embeddings import Embeddings

DIM = 7
NOTHING = cast("Embeddings", None)


class Rows:
    """A space that gives the vectors it has, in an order of its own."""

    def __init__(self, held: dict[int, NDArray[np.float32]]) -> None:
        self.held = held

    def vectors(self, embeddings: object, ids: NDArray[np.int64]) -> tuple[Any, Any]:  # noqa: ARG002 - as a space has it
        """Return those that are there, the odd ones first."""
        there = [one for one in ids.tolist() if one in self.held]
        there.sort(key=lambda one: one % 2 == 0)
        rows = np.array([self.held[one] for one in there], np.float32).reshape(-1, DIM)
        return np.array(there, np.int64), rows


def units(count: int, seed: int) -> NDArray[np.float32]:
    """Return unit vectors (count, DIM)."""
    drawn = np.random.default_rng(seed).normal(size=(count, DIM)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture
def space() -> Space:
    """Return a space of the contents 1 to 50, of which every seventh has no vector."""
    rows = units(50, seed=1)
    return cast("Space", Rows({one: rows[one - 1] for one in range(1, 51) if one % 7}))


def test_a_score_is_the_product_rounded_and_the_best_comes_first() -> None:
    held = {3: np.eye(DIM, dtype=np.float32)[0], 4: np.eye(DIM, dtype=np.float32)[1]}
    asked = np.zeros((1, DIM), np.float32)
    asked[0, :2] = 0.6, 0.8
    (found,) = scored_each(
        cast("Space", Rows(held)), NOTHING, asked, [np.array([3, 4, 5], np.int64)]
    )
    assert found.ids.tolist() == [4, 3]
    assert found.scores.tolist() == [0.8, 0.6]


@pytest.mark.parametrize("at_once", [1, 8, 1000])
def test_questions_together_get_what_each_gets_alone(
    space: Space, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shared candidates, none at all, and some whose vectors are gone."""
    monkeypatch.setattr(scoring, "_ROWS", at_once)
    drawn = np.random.default_rng(2)
    near = [drawn.permutation(50)[:count] + 1 for count in (9, 0, 30, 1, 50, 0)]
    near.append(np.array([7, 14], np.int64))
    asked = units(len(near), seed=3)
    together = scored_each(space, NOTHING, asked, near)
    assert len(together) == len(near)
    for vector, some, found in zip(asked, near, together, strict=True):
        (alone,) = scored_each(space, NOTHING, vector[np.newaxis], [some])
        by_id = dict(zip(alone.ids.tolist(), alone.scores.tolist(), strict=True))
        assert dict(zip(found.ids.tolist(), found.scores.tolist(), strict=True)) == by_id
        assert found.scores.tolist() == sorted(by_id.values(), reverse=True)
        assert set(by_id) == {one for one in some.tolist() if one % 7}
