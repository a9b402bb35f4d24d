"""A query probes the lists that hold most of the weight, and never more than it may."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.vectors.probes import Probes, nearest_lists, probe_counts


def test_lists_come_nearest_first_with_their_inner_products() -> None:
    centroids = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    scores, numbers = nearest_lists(np.array([[1, 0], [0, 1]], np.float32), centroids)
    assert numbers.tolist() == [[0, 2, 1], [1, 2, 0]]
    np.testing.assert_allclose(scores, [[1, 0.6, 0], [1, 0.8, 0]], atol=1e-6)


def test_weights_by_hand() -> None:
    """At T = 1 the weights of 2, 1, 0 are 1, 1/e, 1/e²: 66.5 %, 24.5 % and 9.0 % of all."""
    scores = np.array([[2, 1, 0]], np.float32)
    for share, count in ((0.6, 1), (0.66, 1), (0.67, 2), (0.90, 2), (0.92, 3), (1.0, 3)):
        probes = Probes(nprobe=3, share=share, temperature=1.0)
        assert probe_counts(scores, probes).tolist() == [count]


def test_where_lists_are_alike_more_of_them_are_visited() -> None:
    scores = np.array([[0.9, 0.1, 0.1, 0.1], [0.3, 0.3, 0.3, 0.3]], np.float32)
    counts = probe_counts(scores, Probes(nprobe=4, share=0.7, temperature=0.1))
    assert counts.tolist() == [1, 3]


@given(
    scores=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=30),
    nprobe=st.integers(1, 40),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    temperature=st.floats(0.01, 1),
)
def test_a_larger_share_never_visits_fewer_lists_and_none_visits_more_than_it_may(
    scores: list[float], nprobe: int, shares: tuple[float, float], temperature: float
) -> None:
    rows = np.sort(np.array([scores], np.float32), axis=1)[:, ::-1]
    few, many = (
        int(probe_counts(rows, Probes(nprobe=nprobe, share=share, temperature=temperature))[0])
        for share in sorted(shares)
    )
    assert 1 <= few <= many <= min(nprobe, len(scores))
    assert probe_counts(rows, Probes(nprobe=nprobe))[0] == min(nprobe, len(scores))
