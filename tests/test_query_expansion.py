"""An expansion is read, refused and computed as its formula says; the gallery asks through it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.errors import UsageError
from imgsearch.search.query_expansion import DEFAULT_ALPHA, Expansion, expanded

ASKED = np.array([1.0, 0.0])
FOUND = np.array([[0.8, 0.6], [0.6, -0.8]])


@pytest.mark.parametrize("alpha", [0.0, 1.0, 3.0])
def test_an_expanded_query_by_hand(alpha: float) -> None:
    """(1, 0) and its neighbours of scores 0.8 and 0.6, each by its score to the power."""
    first, second = 0.8**alpha, 0.6**alpha
    moved = np.array([1 + 0.8 * first + 0.6 * second, 0.6 * first - 0.8 * second])
    scores = np.array([0.8, 0.6])
    got = expanded(ASKED, FOUND, scores, alpha=alpha)
    np.testing.assert_allclose(got, moved / np.hypot(*moved), atol=1e-6)
    assert got.dtype == np.float32


def test_a_negative_score_counts_as_none_unless_all_weigh_the_same() -> None:
    away = -FOUND[:1]
    scores = np.array([-0.8])
    np.testing.assert_allclose(expanded(ASKED, away, scores, alpha=3), ASKED)
    turned = np.array([1 - 0.8, -0.6]) / math.hypot(0.2, 0.6)
    np.testing.assert_allclose(expanded(ASKED, away, scores, alpha=0), turned, rtol=1e-6)


def test_nothing_found_or_nothing_left_is_the_query_itself() -> None:
    np.testing.assert_array_equal(expanded(ASKED, FOUND[:0], np.empty(0), alpha=3), ASKED)
    np.testing.assert_array_equal(expanded(ASKED, -ASKED[None], np.array([-1.0]), alpha=0), ASKED)


@pytest.mark.parametrize(
    ("text", "k", "alpha"), [("3", 3, DEFAULT_ALPHA), ("1:0", 1, 0), ("10:2.5", 10, 2.5)]
)
def test_an_expansion_is_a_number_and_perhaps_a_power(text: str, k: int, alpha: float) -> None:
    assert Expansion.parse(text) == Expansion(k, alpha)


@given(k=st.integers(1, 999), alpha=st.integers(0, 99).map(lambda tenths: tenths / 10))
def test_an_expansion_reads_as_it_is_written(k: int, alpha: float) -> None:
    assert Expansion.parse(str(Expansion(k, alpha))) == Expansion(k, alpha)


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "x", "3:", ":3", "3:-1", "3:nan", "3:inf", "1.5", "3:1:1"]
)
def test_what_is_no_expansion_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="neither K nor K:ALPHA") as caught:
        Expansion.parse(text)
    assert repr(text) in str(caught.value)
