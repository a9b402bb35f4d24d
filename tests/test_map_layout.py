"""Where pictures come to lie on a map: layouts, the frame, clusters, levels of zooming."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.manifold import trustworthiness

from imgsearch.errors import MissingExtraError, UsageError
from imgsearch.maps import layout
from imgsearch.maps.frame import Frame
from imgsearch.maps.layout import chosen_method, kind_of
from imgsearch.maps.levels import DEEPEST, levels_of
from imgsearch.maps.linear_layout import LinearLayout
from imgsearch.maps.neighbour_layout import NeighbourLayout
from imgsearch.maps.watch import MapProgress, StoppedError, Watch
from imgsearch.vectors.clustering import nearest_centroid, spherical_centroids
from imgsearch.vectors.spacing import distance_to_neighbour

FAR = np.float32(1 - 2**-24)
POINTS = st.integers(1, 60).flatmap(
    lambda count: arrays.arrays(
        np.float32, (count, 2), elements=st.floats(-float(FAR), float(FAR), width=32)
    )
)


def unit(rows: list[list[float]] | np.ndarray) -> np.ndarray:
    """Return rows of unit length, float32."""
    array = np.asarray(rows, np.float64)
    return (array / np.linalg.norm(array, axis=1, keepdims=True)).astype(np.float32)


def families(count: int = 6, each: int = 20, dim: int = 24) -> np.ndarray:
    """Return unit vectors (count * each, dim) in tight families."""
    chance = np.random.default_rng(3)
    centres = chance.normal(size=(count, dim))
    return unit(np.repeat(centres, each, axis=0) + 0.25 * chance.normal(size=(count * each, dim)))


@given(POINTS, st.randoms(use_true_random=False))
def test_at_every_level_one_picture_stands_for_each_cell_that_holds_any(
    positions: np.ndarray, chance: object
) -> None:
    del chance
    merit = np.linspace(1, 0, len(positions), dtype=np.float32)
    levels = levels_of(positions, merit)
    for level in range(DEEPEST + 1):
        side = 2**level
        cells = np.floor((positions.astype(np.float64) + 1) / 2 * side).astype(int)
        occupied = {tuple(cell) for cell in cells.tolist()}
        standing = [tuple(cell) for cell in cells[levels <= level].tolist()]
        assert sorted(standing) == sorted(occupied)


def test_the_picture_of_most_merit_stands_for_all() -> None:
    positions = np.array([[-0.5, -0.5], [0.5, 0.5], [0.5, 0.5], [0.25, 0.25]], np.float32)
    levels = levels_of(positions, np.array([0.1, 0.9, 0.9, 0.5], np.float32))
    # The second of the equal ones never has a cell; the others part at the first and second split.
    assert levels.tolist() == [1, 0, DEEPEST + 1, 2]


def test_a_frame_keeps_the_middle_as_it_is_and_brings_outliers_to_the_rim() -> None:
    frame = Frame(x=1.0, y=0.0, radius=2.0)
    points = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [1.0, 4.0], [1e9, 0.0]])
    # r = 0, 1/2, 1, 2 and many; beyond 1 it is 0.9 + 0.1 t/(1 + t) with t = 9 (r - 1).
    expected = [[0, 0], [0.45, 0], [0.9, 0], [0, 0.99], [1, 0]]
    np.testing.assert_allclose(frame.apply(points), expected, atol=1e-6)


def test_a_frame_is_not_made_large_by_a_few_far_away() -> None:
    points = np.random.default_rng(0).normal(size=(1000, 2))
    points[:10] *= 1000
    positions = Frame.of(points).apply(points)
    assert np.abs(positions[10:]).mean() > 0.2
    assert np.hypot(*positions.T).max() <= 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_frame_of_next_to_nothing_is_a_frame(count: int) -> None:
    points = np.full((count, 2), 7.0)
    assert np.isfinite(Frame.of(points).apply(points)).all()


def test_the_linear_layout_shows_what_varies_most() -> None:
    chance = np.random.default_rng(1)
    plane = chance.normal(size=(50, 2)) * (3, 1)
    turned, _ = np.linalg.qr(chance.normal(size=(10, 10)))
    vectors = (plane @ turned[:2] + 0.001 * chance.normal(size=(50, 10))).astype(np.float32)
    placed = LinearLayout.fit(vectors, Watch()).place(vectors)
    centred = plane - plane.mean(axis=0)
    assert np.abs(np.linalg.norm(placed, axis=1) - np.linalg.norm(centred, axis=1)).max() < 0.01


@pytest.mark.parametrize("kind", [LinearLayout, NeighbourLayout])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_few_pictures_and_equal_ones_have_places(kind: type[LinearLayout], count: int) -> None:
    for vectors in (unit(np.ones((count, 4))), families(2, 4)[:count]):
        placed = kind.fit(vectors, Watch()).place(vectors)
        assert placed.shape == (count, 2)
        assert np.isfinite(placed).all()


def test_a_vector_of_the_sample_lies_at_its_own_point() -> None:
    sample = families()
    points = np.random.default_rng(2).normal(size=(len(sample), 2)).astype(np.float32)
    placed = NeighbourLayout(sample, points, 1.0).place(sample)
    np.testing.assert_allclose(placed, points, atol=1e-3)


def test_a_newcomer_joins_where_its_neighbours_crowd_and_not_between_them() -> None:
    sample = unit([[1, 0, 0.1], [1, 0, -0.1], [1, 0.1, 0], [1, -0.1, 0], [1, 0.02, 0]])
    points = np.array([[0, 0], [0.1, 0], [0, 0.1], [0.1, 0.1], [50, 50]], np.float32)
    placed = NeighbourLayout(sample, points, 1.0).place(unit([[1, 0.001, 0]]))
    assert placed.tolist() == [[50, 50]]  # by far the nearest
    placed = NeighbourLayout(sample, points, 1.0).place(unit([[1, -0.07, 0.07]]))
    assert np.abs(placed - 0.05).max() < 0.06  # and the one far off has no say


def test_each_picture_is_placed_whatever_comes_with_it() -> None:
    sample = families()
    fitted = NeighbourLayout.fit(sample, Watch())
    others = families(3, 9)
    together = fitted.place(others)
    alone = np.concatenate([fitted.place(row[np.newaxis]) for row in others])
    np.testing.assert_allclose(together, alone, atol=1e-4)


@pytest.mark.parametrize("kind", [LinearLayout, NeighbourLayout])
def test_a_layout_is_restored_as_it_was(kind: type[LinearLayout]) -> None:
    fitted = kind.fit(families(), Watch())
    others = families(3, 9)
    again = kind.restore(fitted.arrays(), 24)
    assert np.array_equal(fitted.place(others), again.place(others))
    with pytest.raises(ValueError, match="of dim 25"):
        kind.restore(fitted.arrays(), 25)


def test_neighbours_keep_together_better_by_tsne_than_by_two_components() -> None:
    vectors = families(30, 6)
    linear, near = (
        trustworthiness(vectors, kind.fit(vectors, Watch()).place(vectors), n_neighbors=4)
        for kind in (LinearLayout, NeighbourLayout)
    )
    assert near > 0.95
    assert near > linear + 0.1


def test_the_same_vectors_are_laid_out_the_same() -> None:
    vectors = families()
    first, second = (NeighbourLayout.fit(vectors, Watch()) for _ in range(2))
    assert np.array_equal(first.points, second.points)


def test_laying_out_tells_how_far_it_is_and_stops_when_told() -> None:
    told: list[MapProgress] = []
    NeighbourLayout.fit(families(), Watch(told.append))
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert told[-1].done == told[-1].total

    with pytest.raises(StoppedError):
        NeighbourLayout.fit(families(), Watch(stop=lambda: len(told) > 3))


def test_methods_are_known_by_name() -> None:
    assert kind_of("pca") is LinearLayout
    assert kind_of("tsne") is NeighbourLayout
    with pytest.raises(UsageError, match="'umap' is none of pca, tsne"):
        kind_of("umap")


def test_without_the_extra_the_linear_layout_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_method(None) == "tsne"
    monkeypatch.setattr(layout, "has_tsne", lambda: False)
    assert chosen_method(None) == "pca"
    assert chosen_method("pca") == "pca"
    with pytest.raises(MissingExtraError, match="pip install openTSNE"):
        chosen_method("tsne")


def test_centroids_are_those_of_the_families_the_largest_first() -> None:
    vectors = np.concatenate([families(3, 30)[:70], -families(3, 30)[:5]])
    centroids = spherical_centroids(vectors, 4)
    rows, products = nearest_centroid(vectors, centroids)
    np.testing.assert_allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-5)
    assert np.bincount(rows).tolist() == [30, 30, 10, 5]
    assert len({tuple(rows[start : start + 30].tolist()) for start in (0, 30)}) == 2
    assert products.min() > 0.5
    assert np.array_equal(spherical_centroids(vectors, 4), centroids)


@pytest.mark.parametrize("count", [0, 8])
def test_more_clusters_than_vectors_are_refused(count: int) -> None:
    with pytest.raises(UsageError, match=f"{count} clusters cannot be made of 7 vectors"):
        spherical_centroids(families()[:7], count)


def test_the_distance_to_a_neighbour_is_euclidean() -> None:
    points = np.array([[0, 0], [3, 4], [0, 1]], np.float32)
    np.testing.assert_allclose(distance_to_neighbour(points, 1), [1, np.sqrt(18), 1], rtol=1e-5)
    np.testing.assert_allclose(distance_to_neighbour(points, 2), [5, 5, np.sqrt(18)], rtol=1e-5)
