"""A query probes the lists that hold most of the weight, and never more than it may."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.vectors.faiss_library import faiss
from imgsearch.vectors.probes import (
    FEW_LISTS,
    Centroids,
    Probes,
    beyond_dropped,
    nearest_lists,
    probe_counts,
)


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


@pytest.mark.parametrize("lists", [FEW_LISTS // 2, 3 * FEW_LISTS, 6 * FEW_LISTS])
def test_sorting_a_part_of_the_lists_names_those_that_sorting_all_does(lists: int) -> None:
    """Queries near one centroid probe few lists, those between all of them nearly all lists."""
    rng = np.random.default_rng(lists)
    centroids = rng.normal(size=(lists, 8)).astype(np.float32)
    centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
    quantizer = faiss.IndexFlatIP(8)
    quantizer.add(centroids)
    held = Centroids.of(faiss.IndexIVFFlat(quantizer, 8, lists, faiss.METRIC_INNER_PRODUCT))
    queries = np.vstack([3 * centroids[:3], 0.05 * centroids[:3], centroids.mean(axis=0)])
    for rows in (queries[:3], queries):
        for share in (0.3, 0.9, 0.99, 1.0):
            probes = Probes(nprobe=lists - 1, share=share, temperature=0.1)
            products, numbers = held.probed(rows, probes)
            every, order = nearest_lists(rows, centroids)
            expected = beyond_dropped(order, probe_counts(every, probes))
            assert numbers.tolist() == expected.tolist()
            np.testing.assert_allclose(
                products[:, : numbers.shape[1]], every[:, : numbers.shape[1]], atol=1e-6
            )
