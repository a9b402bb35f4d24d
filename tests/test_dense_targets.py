"""Targets of every location of a crop, and what the student sees of it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
from distillation_fakes import ColourTeacher, blotches, cache_plan, make_cache, mean_colours
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.distillation import crops
from imgsearch.distillation.dense import DenseTargets, overlaps, resampled
from imgsearch.distillation.targets import CropCache
from imgsearch.errors import UsageError
from imgsearch.vectors import projection, projection_fitting

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def fitted() -> projection.Projection:
    """Return a projection fitted on mean colours."""
    means = mean_colours(blotches(50, size=64)).mean(axis=(1, 2))
    rows = means / np.linalg.norm(means, axis=1, keepdims=True)
    return projection_fitting.fit(rows.astype(np.float32), dim=2, power=0.25)


def test_three_cells_share_out_over_two_by_hand() -> None:
    """The middle one of three belongs to both halves; it is half as long in each as the outer."""
    np.testing.assert_allclose(overlaps(2, 3), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]], rtol=1e-6)


def test_a_part_of_a_line_sees_only_its_own_cells() -> None:
    """From a quarter to three quarters of four cells: the two in the middle."""
    np.testing.assert_allclose(
        overlaps(2, 4, begin=0.25, length=0.5), [[0, 1, 0, 0], [0, 0, 1, 0]], atol=1e-6
    )


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_the_mean_of_a_map_is_the_same_on_every_grid(inputs: int, outputs: int, seed: int) -> None:
    maps = np.random.default_rng(seed).normal(size=(2, inputs, inputs, 3)).astype(np.float32)
    matrix = overlaps(outputs, inputs)
    received = resampled(maps, matrix, matrix)
    assert received.shape == (2, outputs, outputs, 3)
    np.testing.assert_allclose(
        received.mean(axis=(1, 2)), maps.mean(axis=(1, 2)), rtol=1e-4, atol=1e-4
    )


def test_the_mean_of_the_locations_points_where_the_crops_target_does() -> None:
    maps = mean_colours(blotches(6, size=64, seed=9))
    means = maps.mean(axis=(1, 2))
    expected = fitted().apply(means / np.linalg.norm(means, axis=1, keepdims=True))
    located = DenseTargets(fitted(), grid=3).of([maps]).astype(np.float32)
    assert located.shape == (6, 3, 3, 2)
    received = located.mean(axis=(1, 2))
    received /= np.linalg.norm(received, axis=1, keepdims=True)
    np.testing.assert_allclose(received, expected, atol=5e-3)


def test_maps_of_other_teachers_than_the_projections_are_refused() -> None:
    with pytest.raises(UsageError, match="dim 6 do not fit a projection of dim 3"):
        DenseTargets(fitted()).of([mean_colours(blotches(2)), mean_colours(blotches(2))])


def test_a_cache_keeps_targets_of_locations_and_goes_on_where_it_was_stopped(
    tmp_path: Path,
) -> None:
    plan = cache_plan(300, dense=DenseTargets(fitted(), grid=2))
    assert make_cache(tmp_path / "one", plan, ColourTeacher(), stop=lambda: True) is None
    made = make_cache(tmp_path / "one", plan, ColourTeacher())
    at_once = make_cache(tmp_path / "two", plan, ColourTeacher())
    opened = CropCache.open(tmp_path / "one")
    assert opened.locations is not None
    assert opened.locations.shape == (300, 2, 2, 2)
    np.testing.assert_array_equal(opened.locations, at_once.locations)
    np.testing.assert_array_equal(made.embeddings, at_once.embeddings)
    lengths = np.linalg.norm(opened.embeddings.astype(np.float32), axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-2)
    other = dataclasses.replace(plan, dense=DenseTargets(fitted(), grid=3))
    teachers = [ColourTeacher().dense]
    assert other.fingerprint(teachers) != plan.fingerprint(teachers)


def test_targets_of_an_earlier_plan_are_not_taken_for_those_of_a_plan_without(
    tmp_path: Path,
) -> None:
    make_cache(tmp_path / "one", cache_plan(20, dense=DenseTargets(fitted())), ColourTeacher())
    assert CropCache.open(tmp_path / "one").locations is not None
    make_cache(tmp_path / "one", cache_plan(20), ColourTeacher())
    assert CropCache.open(tmp_path / "one").locations is None


def test_a_teacher_without_maps_cannot_give_dense_targets(tmp_path: Path) -> None:
    plan = cache_plan(4, dense=DenseTargets(fitted()))
    with pytest.raises(UsageError, match="colours-64: no feature maps"):
        CropCache.make(
            tmp_path / "cache",
            plan,
            read=lambda i: blotches(10)[i],
            teachers=[ColourTeacher().teacher],
            progress=lambda _done, _total: None,
            stop=lambda: False,
        )


def test_four_crops_are_tiled_each_at_half_its_size() -> None:
    quarters: list[list[NDArray[np.uint8]]] = [
        [np.full((side, side, 3), value, np.uint8) for side in (4, 8)] for value in (10, 20, 30, 40)
    ]
    quarters[0][0][:2, :2] = [[[12] * 3, [14] * 3], [[16] * 3, [18] * 3]]
    small, large = crops.tile(quarters)
    assert small.shape == (4, 4, 3)
    assert small[0, 0].tolist() == [15] * 3
    assert large[::4, ::4, 0].tolist() == [[10, 20], [30, 40]]


def test_tiled_crops_are_as_many_as_the_rules_say(tmp_path: Path) -> None:
    """Blotches of one colour each: a crop of several colours is a tiled one."""
    colours = 1 + np.arange(10, dtype=np.uint8)[:, None, None, None] * np.uint8(25)
    rules = crops.CropRules(jittered=0, grey=0, mixed=0, tiled=0.4)
    made = CropCache.make(
        tmp_path / "cache",
        cache_plan(500, rules=rules),
        read=lambda i: np.broadcast_to(colours[i], (40, 40, 3)),
        teachers=[ColourTeacher().teacher],
        progress=lambda _done, _total: None,
        stop=lambda: False,
    )
    assert made is not None
    several = np.ptp(made.crops.reshape(500, -1), axis=1) > 0
    assert 0.3 < several.mean() < 0.5
