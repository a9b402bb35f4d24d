"""Colours as a small part of the targets."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
from distillation_fakes import (
    TINY,
    ColourTeacher,
    blotches,
    cache_plan,
    make_cache,
    mean_colours,
    random_units,
    unit,
)
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.distillation import folding
from imgsearch.distillation.dense import DenseTargets
from imgsearch.distillation.targets import CropCache
from imgsearch.errors import UsageError
from imgsearch.networks.backbones.compact import weights
from imgsearch.networks.backbones.compact.weights import FoldedWeights
from imgsearch.vectors import projection_fitting
from training import colour_length, coloured_targets
from training.coloured_targets import ColouredTargets, colour_maps

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def targets_of(count: int) -> NDArray[np.float32]:
    """Return random targets, longer than what 64 px pictures have in colours."""
    return unit(np.random.default_rng(3).normal(size=(count, 40)))


def side_by_side(share: float, pixels: NDArray[np.uint8]) -> ColouredTargets:
    """Return colours whose rotation is none, so that they are the last columns of targets."""
    made = ColouredTargets.fit(pixels, targets_of(len(pixels)), share=share)
    return dataclasses.replace(made, rotation=np.eye(72, dtype=np.float32))


def test_a_colour_between_two_levels_counts_half_for_each() -> None:
    """Levels are 0, 85, 170 and 255; red of 0 and 85 by turns has the mean 42.5."""
    pixels = np.zeros((1, 32, 32, 3), np.uint8)
    pixels[:, ::2, :, 0] = 85
    expected = np.zeros(64)
    expected[[0, 16]] = np.sqrt(0.5)
    np.testing.assert_allclose(
        colour_maps(pixels), np.broadcast_to(expected, (1, 4, 4, 64)), atol=1e-6
    )


def test_each_part_of_a_picture_has_its_own_colours() -> None:
    """White above and blue below, in places of the last and the fourth colour."""
    pixels = np.full((1, 64, 64, 3), 255, np.uint8)
    pixels[:, 32:, :, :2] = 0
    maps = colour_maps(pixels)[0]
    np.testing.assert_allclose(maps[:2, :, 63], 1, atol=1e-6)
    np.testing.assert_allclose(maps[2:, :, 3], 1, atol=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_the_shares_of_all_colours_add_up_to_one(seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_allclose(np.sum(colour_maps(pixels) ** 2, axis=3), 1, rtol=1e-5)


def test_colours_have_their_share_at_most_and_less_where_a_picture_has_few() -> None:
    pixels = blotches(200, size=64)
    made = side_by_side(0.2, pixels)
    received = made.targets(targets_of(200), made.of(pixels))
    lengths = np.linalg.norm(made.of(pixels).astype(np.float32).mean(axis=(1, 2)), axis=1)
    shares = np.sum(received[:, 40:] ** 2, axis=1)
    strong = lengths >= made.usual
    assert 0.4 < strong.mean() < 0.6
    np.testing.assert_allclose(shares[strong], 0.2, rtol=1e-3)
    # With lengths a and 1: a² r² / (1 + a² r²), where r² = 0.2 / 0.8.
    squares = (lengths[~strong] / made.usual) ** 2 / 4
    np.testing.assert_allclose(shares[~strong], squares / (1 + squares), rtol=1e-3)


def test_the_mean_of_the_locations_points_where_the_whole_target_does() -> None:
    pixels = blotches(60, size=64)
    made = ColouredTargets.fit(pixels, targets_of(60), share=0.3)
    noise = np.random.default_rng(5).normal(size=(60, 4, 4, 40)).astype(np.float32)
    locations = 3 * (targets_of(60)[:, None, None] + noise - noise.mean((1, 2), keepdims=True))
    means = made.locations(locations, made.of(pixels)).mean(axis=(1, 2))
    np.testing.assert_allclose(
        unit(means), made.targets(targets_of(60), made.of(pixels)), atol=2e-3
    )


def test_without_a_share_targets_keep_their_geometry() -> None:
    pixels, targets = blotches(60, size=64), targets_of(60)
    made = ColouredTargets.fit(pixels, targets, share=0)
    received = made.targets(targets, made.of(pixels))
    assert received.shape == targets.shape
    np.testing.assert_allclose(received @ received.T, targets @ targets.T, atol=1e-5)


def test_the_rotation_keeps_nearly_all_of_the_length() -> None:
    pixels, targets = blotches(200, size=64), targets_of(200)
    made = ColouredTargets.fit(pixels, targets, share=0.1)
    whole = dataclasses.replace(made, rotation=np.eye(72, dtype=np.float32))
    before, after = (x.targets(targets, x.of(pixels)) for x in (whole, made))
    assert np.mean(np.sum((before @ made.rotation) * after, axis=1)) > 0.95


def head_of(dim: int) -> FoldedWeights:
    """Return a random head of five features."""
    values = np.random.default_rng(4).normal(size=(6, dim)).astype(np.float32)
    return FoldedWeights(kernel=values[None, None, :5], bias=values[5])


@pytest.mark.parametrize("length", [0.0, 0.7, 2.0])
def test_a_head_gives_colours_as_much_length_as_is_asked_for(length: float) -> None:
    head = head_of(72)
    received = side_by_side(0.2, blotches(60, size=64)).with_length(head, length)
    for before, after in ((head.kernel, received.kernel), (head.bias, received.bias)):
        np.testing.assert_allclose(after[..., :40], before[..., :40], atol=1e-6)
        np.testing.assert_allclose(after[..., 40:], length * before[..., 40:], atol=1e-5)


def test_a_length_of_one_leaves_a_head_as_it_was_under_any_rotation() -> None:
    made = ColouredTargets.fit(blotches(60, size=64), targets_of(60), share=0.2)
    head = head_of(40)
    received = made.with_length(head, 1.0)
    np.testing.assert_allclose(received.kernel, head.kernel, atol=1e-5)
    np.testing.assert_allclose(received.bias, head.bias, atol=1e-5)
    assert np.abs(made.with_length(head, 0.5).kernel - head.kernel).max() > 1e-3


def test_the_command_changes_the_colours_of_a_students_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Embeddings of two students differ in their last columns, by the length asked for."""
    architecture = dataclasses.replace(TINY, dim=72)
    before = folding.fold_all(architecture, random_units(architecture))
    folding.save(tmp_path / "before.npz", before)
    made = side_by_side(0.2, blotches(60, size=64))
    (tmp_path / "colours").write_bytes(made.to_bytes())
    arguments = ["length", str(tmp_path / "before.npz"), "--colours", str(tmp_path / "colours")]
    arguments += ["--length", "0.5", "--out", str(tmp_path / "after.npz")]
    monkeypatch.setattr("sys.argv", arguments)
    colour_length.main()
    after = weights.load(tmp_path / "after.npz")
    assert after.architecture == architecture
    for name, unit_before in weights.load(tmp_path / "before.npz").weights.items():
        factor = np.r_[np.ones(40), np.full(32, 0.5)] if name == "head" else 1
        # The file rounds to half precision.
        np.testing.assert_allclose(
            after.weights[name].kernel, unit_before.kernel * factor, rtol=1e-3, atol=1e-6
        )
        np.testing.assert_allclose(
            after.weights[name].bias, unit_before.bias * factor, rtol=1e-3, atol=1e-6
        )


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_leaves_nothing_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match="not between 0 and 1"):
        ColouredTargets.fit(blotches(9, size=64), targets_of(9), share=share)


def test_the_command_fits_on_all_caches_and_its_file_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caches = []
    for seed in (1, 2):
        plan = dataclasses.replace(cache_plan(90), size=64, seed=seed)
        caches.append(make_cache(tmp_path / str(seed), plan, ColourTeacher()))
    rows = np.concatenate([cache.embeddings for cache in caches])
    fitted = projection_fitting.fit(rows.astype(np.float32), dim=3, power=0.25)
    (tmp_path / "projection").write_bytes(fitted.to_bytes())
    arguments = ["colours", str(tmp_path / "1"), str(tmp_path / "2"), "--share", "0.05"]
    arguments += ["--projection", str(tmp_path / "projection"), "--out", str(tmp_path / "file")]
    monkeypatch.setattr("sys.argv", arguments)
    coloured_targets.main()
    received = ColouredTargets.from_bytes((tmp_path / "file").read_bytes())
    pixels = np.concatenate([cache.crops for cache in caches])
    expected = ColouredTargets.fit(pixels, fitted.apply(rows), share=0.05)
    assert (received.usual, received.share) == (expected.usual, expected.share)
    np.testing.assert_array_equal(received.rotation, expected.rotation)
    np.testing.assert_array_equal(received.of(pixels), expected.of(pixels))


def test_views_of_a_long_run_have_colours_in_their_targets() -> None:
    """A mirrored view's locations are mirrored, so their mean stays where the target points."""
    pytest.importorskip("torch")
    from training.torch_views import Views

    pixels = blotches(40, size=128)
    maps = mean_colours(pixels)
    rows = unit(maps.mean(axis=(1, 2))).astype(np.float16)
    fitted = projection_fitting.fit(rows.astype(np.float32), dim=3, power=0.25)
    made = ColouredTargets.fit(pixels, fitted.apply(rows), share=0.3)
    cache = CropCache(pixels, rows, locations=DenseTargets(fitted).of([maps]))
    views = Views([cache], fitted, stride=32, colours=made)
    expected = made.targets(fitted.apply(rows), made.of(pixels))
    np.testing.assert_allclose(views.targets, expected, atol=1e-5)
    view = views.view(np.arange(40), 128, np.random.default_rng(0))
    assert view.locations is not None
    means = unit(view.locations.mean((1, 2)).numpy())
    assert np.mean(np.sum(means * expected, axis=1)) > 0.95
