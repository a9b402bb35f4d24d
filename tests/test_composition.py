"""Several embeddings of one image become one, each with the same weight."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.errors import UsageError
from imgsearch.evaluation.retrieval.composition import concatenate, sum_of_scales

Rows = np.ndarray[Any, np.dtype[np.float64]]


def rows(count: int, dim: int, seed: int) -> Rows:
    return np.random.default_rng(seed).normal(size=(count, dim))


def unit(vectors: Rows) -> Rows:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_concatenation_by_hand() -> None:
    """(3, 4) and (0, 2) become (0.6, 0.8) and (0, 1), and four together (0.6, 0.8, 0, 1) / √2."""
    joined = concatenate([np.array([[3.0, 4.0]]), np.array([[0.0, 2.0]])])
    np.testing.assert_allclose(joined, [np.array([0.6, 0.8, 0, 1]) / 2**0.5], rtol=1e-6)


def test_a_sum_of_scales_by_hand() -> None:
    """(1, 0) and (0, 1), however long they were, add up to the diagonal."""
    total = sum_of_scales([np.array([[5.0, 0.0]]), np.array([[0.0, 0.1]])])
    np.testing.assert_allclose(total, [[0.5**0.5, 0.5**0.5]], rtol=1e-6)


@settings(deadline=None, max_examples=30)
@given(count=st.integers(1, 4), seed=st.integers(0, 999))
def test_a_score_is_the_mean_of_the_parts_scores(count: int, seed: int) -> None:
    parts = [rows(6, 3 + part, seed + part) for part in range(count)]
    joined = concatenate(parts)
    assert joined.dtype == np.float32
    scores = sum(unit(part) @ unit(part).T for part in parts)
    np.testing.assert_allclose(joined @ joined.T, scores / count, atol=1e-5)


@settings(deadline=None, max_examples=30)
@given(count=st.integers(1, 4), seed=st.integers(0, 999))
def test_a_sum_is_the_naive_one_in_any_order(count: int, seed: int) -> None:
    parts = [rows(5, 7, seed + part) for part in range(count)]
    expected = unit(np.sum([unit(part) for part in parts], axis=0))
    np.testing.assert_allclose(sum_of_scales(parts), expected, atol=1e-5)
    np.testing.assert_allclose(sum_of_scales(parts[::-1]), expected, atol=1e-5)


def test_one_part_is_itself_at_length_one() -> None:
    part = rows(5, 3, 0)
    np.testing.assert_allclose(concatenate([part]), unit(part), atol=1e-6)
    np.testing.assert_allclose(sum_of_scales([part]), unit(part), atol=1e-6)


def test_a_part_without_a_direction_adds_nothing() -> None:
    zero, part = np.zeros((1, 2)), np.array([[3.0, 4.0]])
    np.testing.assert_allclose(concatenate([zero, part]), [[0, 0, 0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(sum_of_scales([zero, part]), [[0.6, 0.8]], rtol=1e-6)
    np.testing.assert_array_equal(sum_of_scales([part, -part]), [[0, 0]])


def test_the_parts_are_left_alone() -> None:
    part = rows(5, 3, 0)
    before = part.copy()
    concatenate([part, part])
    sum_of_scales([part, part])
    np.testing.assert_array_equal(part, before)


@pytest.mark.parametrize("compose", [concatenate, sum_of_scales])
def test_parts_of_different_images_are_refused(compose: Any) -> None:
    with pytest.raises(UsageError, match="nothing to compose"):
        compose([])
    with pytest.raises(UsageError, match="same images"):
        compose([rows(4, 3, 0), rows(5, 3, 0)])
    with pytest.raises(UsageError, match="same images"):
        compose([np.zeros(3)])
    with pytest.raises(UsageError, match="not finite"):
        compose([np.full((1, 2), math.nan)])


def test_scales_of_different_dimensions_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot be added"):
        sum_of_scales([rows(4, 3, 0), rows(4, 2, 0)])
