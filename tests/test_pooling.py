"""Pooling gives what the formulas say, whatever the shape of the feature maps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from imgsearch.errors import UsageError
from imgsearch.networks.pooling import gap, gem, gmp, l2_normalise, pool, rmac, rmac_regions
from imgsearch.pooling_choice import OWN_POOLINGS, POOLINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.pooling_choice import Pooling

METHODS = (*POOLINGS, "gem:4.5", "rmac:2")


def feature_maps(*, low: float = -10.0) -> st.SearchStrategy[NDArray[np.float32]]:
    """Small maps of every shape, with values that float32 holds."""
    shapes = st.tuples(st.integers(0, 3), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4))
    return shapes.flatmap(
        lambda shape: st_numpy.arrays(
            np.float32,
            shape,
            elements=st.floats(low, 10, width=32, allow_subnormal=False),
        )
    )


def rows() -> st.SearchStrategy[NDArray[np.float32]]:
    """Rows of any length, with values of ordinary size or zero."""
    shapes = st.tuples(st.integers(0, 5), st.integers(1, 6))
    values = st.floats(-1e6, 1e6, width=32).filter(lambda value: value == 0 or abs(value) > 1e-6)
    return shapes.flatmap(lambda shape: st_numpy.arrays(np.float32, shape, elements=values))


def naive_power_mean(maps: NDArray[np.float32], p: float) -> NDArray[np.float64]:
    """Take the power mean location by location, in float64, as it is written in the paper."""
    n, height, width, channels = maps.shape
    out = np.zeros((n, channels))
    for image in range(n):
        for channel in range(channels):
            powers = [
                max(float(maps[image, i, j, channel]), 1e-6) ** p
                for i in range(height)
                for j in range(width)
            ]
            out[image, channel] = (math.fsum(powers) / len(powers)) ** (1 / p)
    return out


def naive_rmac(maps: NDArray[np.float32], levels: int) -> NDArray[np.float64]:
    """Take regional maxima in float64, with the region grid written out anew."""
    n, height, width, channels = maps.shape
    shorter, longer = min(height, width), max(height, width)
    extra = 0
    if longer > shorter:
        candidates = np.arange(1, longer - shorter + 1)
        overlap = 1 - ((longer - shorter) / candidates) / shorter
        extra = int(candidates[np.argmin(np.abs(overlap - 0.4))])
    out = np.zeros((n, channels))
    for level in range(1, levels + 1):
        side = max(1, math.floor(2 * shorter / (level + 1)))
        tops = np.floor(np.linspace(0, height - side, level + (extra if height > width else 0)))
        lefts = np.floor(np.linspace(0, width - side, level + (extra if width > height else 0)))
        for top in tops.astype(int):
            for left in lefts.astype(int):
                for image in range(n):
                    region = maps[image, top : top + side, left : left + side].astype(np.float64)
                    maxima = region.reshape(-1, channels).max(axis=0)
                    length = math.sqrt(math.fsum(value * value for value in maxima))
                    if length > 0:
                        out[image] += maxima / length
    return out


# One image of 2 x 2 locations with two channels: [1, 2, 3, 4] and [0, 0, 0, 8].
BY_HAND = np.array([[[[1, 0], [2, 0]], [[3, 0], [4, 8]]]], dtype=np.float32)


# By hand.


def test_gap_is_the_mean() -> None:
    np.testing.assert_allclose(gap(BY_HAND), [[2.5, 2.0]])


def test_gmp_is_the_largest() -> None:
    np.testing.assert_allclose(gmp(BY_HAND), [[4.0, 8.0]])


def test_gem_is_the_cube_root_of_the_mean_cube() -> None:
    """(1 + 8 + 27 + 64) / 4 = 25 and 512 / 4 = 128."""
    np.testing.assert_allclose(gem(BY_HAND), [[25 ** (1 / 3), 128 ** (1 / 3)]], rtol=1e-6)


def test_gem_takes_negative_activations_for_its_floor() -> None:
    maps = np.full((1, 2, 2, 1), -5.0, dtype=np.float32)
    np.testing.assert_allclose(gem(maps), [[1e-6]], rtol=1e-5)


def test_rmac_of_one_level_is_the_unit_vector_of_maxima() -> None:
    np.testing.assert_allclose(rmac(BY_HAND, levels=1), [[4 / 80**0.5, 8 / 80**0.5]])


def test_rmac_of_two_levels_adds_the_four_corners() -> None:
    """Level 2 has 2 × 2 squares of one location: (1, 0), (1, 0), (1, 0), (4, 8) / |(4, 8)|."""
    corner = np.array([4, 8]) / 80**0.5
    expected = corner + 3 * np.array([1, 0]) + corner
    np.testing.assert_allclose(rmac(BY_HAND, levels=2), [expected], rtol=1e-6)


def test_l2_normalise_of_three_and_four() -> None:
    rows = np.array([[3, 4], [0, 0], [0, -2]], dtype=np.float32)
    np.testing.assert_allclose(l2_normalise(rows), [[0.6, 0.8], [0, 0], [0, -1]], rtol=1e-7)


# Regions.


def test_a_square_map_has_one_four_and_nine() -> None:
    """7 × 7 as at the end of a network for 224 px: sides 7, 4 and 3."""
    regions = list(rmac_regions(7, 7, levels=3))
    assert regions[0] == (0, 0, 7)
    assert regions[1:5] == [(0, 0, 4), (0, 3, 4), (3, 0, 4), (3, 3, 4)]
    assert regions[5:] == [(i, j, 3) for i in (0, 2, 4) for j in (0, 2, 4)]


def test_a_wide_map_has_more_across() -> None:
    """10 × 16: two squares of 10 overlap by 40 % exactly, so one is added along the width."""
    assert list(rmac_regions(10, 16, levels=1)) == [(0, 0, 10), (0, 6, 10)]


def test_a_tall_map_is_a_wide_one_turned() -> None:
    wide = {(left, top, side) for top, left, side in rmac_regions(5, 12, levels=3)}
    assert set(rmac_regions(12, 5, levels=3)) == wide


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4))
def test_every_region_lies_inside_the_map(height: int, width: int, levels: int) -> None:
    for top, left, side in rmac_regions(height, width, levels=levels):
        assert side >= 1
        assert 0 <= top <= height - side
        assert 0 <= left <= width - side


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40))
def test_the_first_level_covers_both_ends(height: int, width: int) -> None:
    regions = list(rmac_regions(height, width, levels=1))
    assert regions[0][:2] == (0, 0)
    top, left, side = regions[-1]
    assert (top + side, left + side) == (height, width)


def test_no_level_is_refused() -> None:
    with pytest.raises(UsageError, match="levels: 0"):
        list(rmac_regions(7, 7, levels=0))


# Against naive float64.


@settings(deadline=None)
@given(feature_maps())
def test_gap_is_the_naive_mean(maps: NDArray[np.float32]) -> None:
    expected = maps.astype(np.float64).mean(axis=1).mean(axis=1)
    np.testing.assert_allclose(gap(maps), expected, rtol=1e-6, atol=1e-7)


@settings(deadline=None)
@given(feature_maps())
def test_gmp_is_the_naive_maximum(maps: NDArray[np.float32]) -> None:
    expected = [[image[..., c].max() for c in range(maps.shape[3])] for image in maps]
    np.testing.assert_array_equal(gmp(maps), np.reshape(expected, (-1, maps.shape[3])))


@settings(deadline=None)
@given(feature_maps(), st.sampled_from([0.5, 1.0, 2.0, 3.0, 4.5, 10.0]))
def test_gem_is_the_naive_power_mean(maps: NDArray[np.float32], p: float) -> None:
    np.testing.assert_allclose(gem(maps, p=p), naive_power_mean(maps, p), rtol=1e-5)


@settings(deadline=None)
@given(feature_maps(), st.integers(1, 4))
def test_rmac_is_the_naive_sum_over_regions(maps: NDArray[np.float32], levels: int) -> None:
    expected = naive_rmac(maps, levels)
    np.testing.assert_allclose(rmac(maps, levels=levels), expected, rtol=1e-5, atol=1e-5)


@settings(deadline=None)
@given(rows())
def test_l2_normalise_divides_by_the_naive_length(vectors: NDArray[np.float32]) -> None:
    for row, unit in zip(vectors, l2_normalise(vectors), strict=True):
        length = math.sqrt(math.fsum(float(value) ** 2 for value in row))
        np.testing.assert_allclose(unit, row / (length or 1.0), rtol=1e-6, atol=1e-12)


# Laws.


@settings(deadline=None)
@given(st.floats(-5, 5, width=32), st.integers(1, 6), st.integers(1, 6))
def test_gap_and_gmp_of_a_constant_map_are_the_constant(
    value: float, height: int, width: int
) -> None:
    maps = np.full((1, height, width, 2), value, dtype=np.float32)
    np.testing.assert_allclose(gap(maps), np.full((1, 2), value, np.float32), rtol=1e-6)
    np.testing.assert_array_equal(gmp(maps), np.full((1, 2), value, np.float32))


@settings(deadline=None)
@given(feature_maps(low=0.0))
def test_gem_of_power_one_is_gap_where_nothing_is_negative(maps: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(gem(maps, p=1.0), gap(maps), rtol=1e-5, atol=2e-6)


@settings(deadline=None)
@given(feature_maps(low=0.0))
def test_gem_of_a_large_power_nears_gmp_from_below(maps: NDArray[np.float32]) -> None:
    """The power mean is at least max · (1 / hw)^(1 / p)."""
    largest, p = np.maximum(gmp(maps), 1e-6), 1000.0
    locations = maps.shape[1] * maps.shape[2]
    pooled = gem(maps, p=p)
    assert np.all(pooled <= largest * (1 + 1e-6))
    assert np.all(pooled >= largest * locations ** (-1 / p) * (1 - 1e-6))


@settings(deadline=None)
@given(feature_maps(low=0.0))
def test_gem_grows_with_its_power(maps: NDArray[np.float32]) -> None:
    lower, higher = gem(maps, p=2.0), gem(maps, p=4.0)
    assert np.all(lower <= higher * (1 + 1e-5))


@pytest.mark.parametrize("method", ["gap", "gmp", "gem"])
@settings(deadline=None)
@given(maps=feature_maps(), seed=st.integers(0, 1000))
def test_the_order_of_locations_does_not_matter(
    maps: NDArray[np.float32], seed: int, method: Pooling
) -> None:
    n, height, width, channels = maps.shape
    order = np.random.default_rng(seed).permutation(height * width)
    shuffled = maps.reshape(n, height * width, channels)[:, order].reshape(maps.shape)
    np.testing.assert_allclose(pool(shuffled, method), pool(maps, method), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None)
@given(maps=feature_maps())
def test_a_batch_gives_what_single_images_give(maps: NDArray[np.float32], method: Pooling) -> None:
    pooled = pool(maps, method)
    for image in range(len(maps)):
        np.testing.assert_array_equal(pool(maps[image : image + 1], method)[0], pooled[image])


@settings(deadline=None)
@given(rows())
def test_normalised_rows_have_length_one_or_zero(vectors: NDArray[np.float32]) -> None:
    lengths = np.linalg.norm(l2_normalise(vectors).astype(np.float64), axis=1)
    expected = np.where(np.any(vectors != 0, axis=1), 1.0, 0.0)
    np.testing.assert_allclose(lengths, expected, atol=1e-6)


def test_lengths_beyond_float32_normalise_too() -> None:
    """The squares of these overflow, or vanish, in float32."""
    vectors = np.array([[3e30, 4e30], [3e-30, 4e-30]], dtype=np.float32)
    np.testing.assert_allclose(l2_normalise(vectors), [[0.6, 0.8], [0.6, 0.8]], rtol=1e-6)


def test_gem_of_large_activations_does_not_overflow() -> None:
    maps = np.full((1, 2, 2, 1), 1e20, dtype=np.float32)
    np.testing.assert_allclose(gem(maps), [[1e20]], rtol=1e-6)


# Arguments.


@pytest.mark.parametrize("method", METHODS)
def test_every_pooling_gives_float32_and_leaves_its_input_alone(method: Pooling) -> None:
    maps = np.random.default_rng(0).normal(size=(2, 7, 7, 5)).astype(np.float32)
    before = maps.copy()
    pooled = pool(maps, method)
    assert pooled.dtype == np.float32
    assert pooled.shape == (2, 5)
    np.testing.assert_array_equal(maps, before)


def test_pool_calls_the_method_that_is_named() -> None:
    maps = np.random.default_rng(1).random((2, 7, 7, 5), dtype=np.float32)
    for method, function in (("gap", gap), ("gmp", gmp), ("gem", gem), ("rmac", rmac)):
        np.testing.assert_array_equal(pool(maps, method), function(maps))


def test_pool_hands_on_the_parameter() -> None:
    maps = np.random.default_rng(1).random((2, 7, 7, 5), dtype=np.float32)
    np.testing.assert_array_equal(pool(maps, "gem:4.5"), gem(maps, p=4.5))
    np.testing.assert_array_equal(pool(maps, "gem:3"), gem(maps))
    np.testing.assert_array_equal(pool(maps, "rmac:2"), rmac(maps, levels=2))
    np.testing.assert_array_equal(pool(maps, "rmac:3"), rmac(maps))


@pytest.mark.parametrize("p", [0.1, 1000.0])
def test_the_extreme_powers_that_a_text_may_name_still_give_the_power_mean(p: float) -> None:
    """In float64 with the largest value taken out, as 1000 powers of it would overflow."""
    maps = np.random.default_rng(2).random((2, 5, 5, 3), dtype=np.float32) + 0.01
    wide = maps.astype(np.float64)
    largest = wide.max(axis=(1, 2), keepdims=True)
    means = ((wide / largest) ** p).mean(axis=(1, 2)) ** (1 / p)
    np.testing.assert_allclose(pool(maps, f"gem:{p}"), means * largest[:, 0, 0], rtol=2e-5)


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(UsageError, match="'mean' is none of gap, gmp, gem, rmac"):
        pool(BY_HAND, "mean")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(4, 5), (1, 2, 3), (1, 0, 3, 4), (1, 3, 0, 4)])
def test_what_is_no_map_is_refused(method: Pooling, shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="are not"):
        pool(np.zeros(shape, dtype=np.float32), method)


def test_integers_are_refused() -> None:
    with pytest.raises(UsageError, match="int64"):
        gap(np.zeros((1, 2, 2, 1), dtype=np.int64))


@pytest.mark.parametrize("p", [0.0, -1.0, math.nan, math.inf])
def test_a_power_that_is_none_is_refused(p: float) -> None:
    with pytest.raises(UsageError, match="p: "):
        gem(BY_HAND, p=p)


def test_a_single_vector_is_not_rows() -> None:
    with pytest.raises(UsageError, match="not rows"):
        l2_normalise(np.zeros(3, dtype=np.float32))


@pytest.mark.parametrize("method", OWN_POOLINGS)
def test_what_a_network_pools_itself_is_taken_as_it_is(method: str) -> None:
    maps = np.arange(6, dtype=np.float32).reshape(2, 1, 1, 3)
    assert pool(maps, method).tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(UsageError, match="gives feature maps of 2 x 1 locations"):
        pool(np.zeros((1, 2, 1, 3), np.float32), method)
