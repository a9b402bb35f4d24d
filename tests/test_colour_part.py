"""The colour part of an embedding: its soft histogram, its fit, its graph, and its file."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from distillation_fakes import (
    TINY,
    ColourTeacher,
    blotches,
    cache_plan,
    images_of,
    make_cache,
    random_units,
)
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.backbones.framework import load_keras
from imgsearch.distillation import add_colours, colour_part, weights
from imgsearch.distillation.architecture import COLOUR_CONVOLUTIONS
from imgsearch.distillation.student import EMBEDDING, build_folded, unfold
from imgsearch.errors import UsageError, WeightsUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

STUDENT = weights.fold_all(TINY, random_units(TINY))


def plain(*colours: tuple[int, int, int], size: int = 8) -> NDArray[np.uint8]:
    """Return pictures of one colour each."""
    return np.array(colours, dtype=np.uint8)[:, None, None].repeat(size, 1).repeat(size, 2)


def coloured() -> weights.FoldedStudent:
    """Return the tiny student with a colour part."""
    return replace(STUDENT, colours=colour_part.fit(blotches(64, size=32), length=2.0))


def bin_of(red: int, green: int, blue: int) -> int:
    return (red * 4 + green) * 4 + blue


def test_a_colour_at_a_level_lies_in_one_bin() -> None:
    """Levels are 0, 85, 170 and 255."""
    rows = colour_part.soft_histograms(plain((0, 85, 255), (170, 170, 0)))
    expected = np.zeros((2, 64))
    expected[0, bin_of(0, 1, 3)] = 1
    expected[1, bin_of(2, 2, 0)] = 1
    np.testing.assert_allclose(rows, expected, atol=1e-6)


def test_a_colour_between_two_levels_is_shared_by_their_bins() -> None:
    """17 is a fifth of the way from 0 to 85: shares 0.8 and 0.2, and their square roots."""
    row = colour_part.soft_histograms(plain((17, 85, 255)))[0]
    assert row[bin_of(0, 1, 3)] == pytest.approx(np.sqrt(0.8), abs=1e-6)
    assert row[bin_of(1, 1, 3)] == pytest.approx(np.sqrt(0.2), abs=1e-6)
    assert np.count_nonzero(row > 1e-6) == 2


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_every_share_is_what_three_hats_add_up_to_above_two(colour: tuple[int, int, int]) -> None:
    levels = np.arange(4)
    red, green, blue = (np.maximum(0, 1 - np.abs(value / 85 - levels)) for value in colour)
    joint = np.maximum(0, red[:, None, None] + green[:, None] + blue - 2)
    row = colour_part.soft_histograms(plain(colour))[0]
    np.testing.assert_allclose(row**2, joint.ravel(), atol=1e-5)


def test_where_a_colour_is_does_not_matter() -> None:
    picture = blotches(1, size=16)
    np.testing.assert_allclose(
        colour_part.soft_histograms(picture),
        colour_part.soft_histograms(picture[:, ::-1, ::-1]),
        atol=1e-6,
    )


def test_the_part_is_centred_and_as_long_as_asked() -> None:
    pictures = blotches(200, size=8)
    fitted = colour_part.fit(pictures, length=3.0)
    rows = colour_part.soft_histograms(pictures) @ fitted.kernel[0, 0] + fitted.bias
    assert rows.shape == (200, 32)
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-4)
    assert np.median(np.linalg.norm(rows, axis=1)) == pytest.approx(3.0, rel=1e-4)


def test_deviations_are_evened_out_to_their_roots() -> None:
    """Along components of deviations a and b, the rows' are as the roots of a and b."""
    pictures = blotches(200, size=8)
    histograms = colour_part.soft_histograms(pictures).astype(np.float64)
    deviations = np.linalg.svd(histograms - histograms.mean(axis=0), compute_uv=False)[:32]
    fitted = colour_part.fit(pictures, length=1.0)
    spread = (histograms @ fitted.kernel[0, 0]).std(axis=0)
    np.testing.assert_allclose(spread / spread[0], np.sqrt(deviations / deviations[0]), rtol=1e-3)


def test_the_graph_does_what_numpy_does() -> None:
    keras = load_keras()
    student, pictures = coloured(), images_of(64)
    model = build_folded(student, 64)
    maps = np.asarray(model(pictures.astype(np.float32)))
    assert maps.shape == (5, 8, 8, student.dim)
    components: Any = student.colours
    expected = colour_part.soft_histograms(pictures) @ components.kernel[0, 0] + components.bias
    np.testing.assert_allclose(maps[..., TINY.dim :].mean(axis=(1, 2)), expected, atol=1e-3)
    without = np.asarray(build_folded(STUDENT, 64)(pictures.astype(np.float32)))
    np.testing.assert_allclose(maps[..., : TINY.dim], without, atol=1e-4)
    assert isinstance(model.get_layer(EMBEDDING), keras.layers.Concatenate)


@pytest.mark.parametrize("size", [33, 50, 62])
def test_sides_that_are_no_multiple_give_maps_of_one_shape(size: int) -> None:
    load_keras()
    maps = build_folded(coloured(), size)(images_of(size).astype(np.float32))
    assert maps.shape == (5, -(-size // 8), -(-size // 8), TINY.dim + 32)


def test_a_file_keeps_the_colour_part(tmp_path: Path) -> None:
    path, student = tmp_path / "student.npz", coloured()
    weights.save(path, student)
    loaded = weights.load(path)
    assert loaded.dim == TINY.dim + 32
    assert student.colours is not None
    assert loaded.colours is not None
    np.testing.assert_allclose(loaded.colours.kernel, student.colours.kernel, rtol=1e-3, atol=1e-5)


def test_a_file_without_one_is_as_it_was(tmp_path: Path) -> None:
    """An earlier imgsearch, which reads format 1 only, still reads it."""
    weights.save(tmp_path / "student.npz", STUDENT)
    with np.load(tmp_path / "student.npz") as archive:
        assert '"format": 1' in str(archive[weights.HEADER])
    assert weights.load(tmp_path / "student.npz").dim == TINY.dim


def test_a_colour_part_of_another_shape_is_refused(tmp_path: Path) -> None:
    wrong = weights.FoldedWeights(np.zeros((1, 1, 27, 32), np.float32), np.zeros(32, np.float32))
    weights.save(tmp_path / "student.npz", replace(STUDENT, colours=wrong))
    with pytest.raises(WeightsUnavailableError, match=r"colours\.components has a kernel of"):
        weights.load(tmp_path / "student.npz")


def test_training_goes_on_without_it() -> None:
    load_keras()
    pictures = blotches(32, size=32)
    with_part, without = (unfold(student, pictures) for student in (coloured(), STUDENT))
    assert with_part.keys() == without.keys()
    assert not {spec.name for spec in COLOUR_CONVOLUTIONS} & with_part.keys()


@pytest.mark.parametrize("weight", [0.06, 0.5])
def test_the_weight_is_the_parts_share_of_a_usual_embedding(weight: float) -> None:
    load_keras()
    pictures = blotches(64, size=32)
    student = add_colours.with_colours(STUDENT, pictures, weight=weight)
    rows = np.asarray(build_folded(student, 32)(pictures.astype(np.float32))).mean(axis=(1, 2))
    learnt, colours = (
        np.median(np.linalg.norm(part, axis=1)) ** 2 for part in np.split(rows, [TINY.dim], axis=1)
    )
    assert colours / (learnt + colours) == pytest.approx(weight, rel=1e-3)


@pytest.mark.parametrize("weight", [0.0, 1.0, -0.1])
def test_a_weight_that_is_no_share_is_refused(weight: float) -> None:
    with pytest.raises(UsageError, match="is not between 0 and 1"):
        add_colours.with_colours(STUDENT, blotches(8), weight=weight)


def test_the_command_puts_it_into_a_students_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cache(tmp_path / "crops", cache_plan(80), ColourTeacher())
    weights.save(tmp_path / "plain.npz", STUDENT)
    given_words = ["plain.npz", "--crops", "crops", "--weight", "0.1", "--out", "coloured.npz"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["add_colours", *given_words])
    add_colours.main()
    assert weights.load(tmp_path / "coloured.npz").colours is not None
