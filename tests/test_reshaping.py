"""An earlier student's weights in another shape: what stays the same, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from imgsearch.distillation.reshaping import reshaped
from imgsearch.errors import UsageError
from imgsearch.networks.backbones.compact.architecture import Architecture, Stage
from imgsearch.networks.backbones.compact.weights import FoldedStudent, FoldedWeights
from imgsearch.networks.backbones.framework import load_keras

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = pytest.mark.tensorflow

FIRST = Stage("basic", channels=8, width=8, repeats=1, stride=1)
SECOND = Stage("basic", channels=12, width=6, repeats=1, stride=2)
THIRD = Stage("bottleneck", channels=24, width=8, repeats=2, stride=2)
EARLIER = Architecture(stem=(8, 8), stages=(FIRST, SECOND, THIRD), features=16, dim=8)


def random_student(architecture: Architecture) -> FoldedStudent:
    """Return a student with random weights."""
    generator = np.random.default_rng(7)
    return FoldedStudent(
        architecture,
        {
            c.name: FoldedWeights(
                generator.standard_normal((c.kernel, c.kernel, c.inputs, c.outputs), np.float32)
                / np.float32(np.sqrt(c.kernel**2 * c.inputs)),
                generator.standard_normal(c.outputs, np.float32) / 4,
            )
            for c in architecture.convolutions()
        },
    )


def changed(student: FoldedStudent, name: str, unit: FoldedWeights) -> FoldedStudent:
    """Return a student with other weights in one convolution."""
    return FoldedStudent(student.architecture, {**student.weights, name: unit})


def maps_of(student: FoldedStudent) -> NDArray[np.float32]:
    """Return what a student makes of noise."""
    load_keras()
    from imgsearch.networks.backbones.compact.network import build_folded

    images = np.random.default_rng(1).uniform(0, 255, (3, 64, 64, 3)).astype(np.float32)
    return np.asarray(build_folded(student, 64)(images))


def with_stages(*stages: Stage) -> Architecture:
    """Return the earlier architecture with other stages."""
    return replace(EARLIER, stages=stages)


def test_the_same_shape_gives_the_same_weights() -> None:
    student = random_student(EARLIER)
    same = reshaped(student, EARLIER)
    assert same.weights.keys() == student.weights.keys()
    for name, unit in student.weights.items():
        np.testing.assert_array_equal(same.weights[name].kernel, unit.kernel)
        np.testing.assert_array_equal(same.weights[name].bias, unit.bias)


def test_a_student_with_more_blocks_does_what_it_did() -> None:
    student = random_student(EARLIER)
    deeper = reshaped(
        student, with_stages(replace(FIRST, repeats=3), SECOND, replace(THIRD, repeats=3))
    )
    assert not deeper.weights["stage3.block3.c"].kernel.any()
    np.testing.assert_allclose(maps_of(deeper), maps_of(student), rtol=1e-4, atol=1e-4)


def silenced(student: FoldedStudent, name: str) -> FoldedStudent:
    """Return a student with a convolution that gives zero."""
    unit = student.weights[name]
    zero = FoldedWeights(np.zeros_like(unit.kernel), np.zeros_like(unit.bias))
    return changed(student, name, zero)


@pytest.mark.parametrize(
    ("stages", "last"),
    [
        ((SECOND, THIRD), "stage1.block1.b"),
        ((FIRST, SECOND, replace(THIRD, repeats=1)), "stage3.block2.c"),
    ],
)
def test_a_block_left_out_is_as_if_its_branch_gave_zero(
    stages: tuple[Stage, ...], last: str
) -> None:
    student = random_student(EARLIER)
    shorter = reshaped(student, with_stages(*stages))
    assert set(shorter.weights) == {c.name for c in shorter.architecture.convolutions()}
    expected = maps_of(silenced(student, last))
    np.testing.assert_allclose(maps_of(shorter), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("stages", "name", "silent"),
    [
        ((FIRST, replace(SECOND, width=4), THIRD), "stage2.block1.a", [1, 4]),
        ((FIRST, SECOND, replace(THIRD, width=5)), "stage3.block2.a", [0, 3, 6]),
    ],
)
def test_a_narrower_block_without_its_silent_channels_does_what_it_did(
    stages: tuple[Stage, ...], name: str, silent: list[int]
) -> None:
    student = random_student(EARLIER)
    for unit_name in [n for n in student.weights if n.startswith(name.rpartition(".block")[0])]:
        # All inner convolutions of the stage: narrowing is of every block.
        unit = student.weights[unit_name]
        if unit_name.endswith((".shortcut", ".c")) or unit.kernel.shape[-1] == SECOND.channels:
            continue
        kernel, bias = unit.kernel.copy(), unit.bias.copy()
        kernel[..., silent], bias[silent] = 0, 0
        student = changed(student, unit_name, FoldedWeights(kernel, bias))
    narrower = reshaped(student, with_stages(*stages))
    assert narrower.weights[name].kernel.shape[-1] == stages[int(name[5]) - 1].width
    np.testing.assert_allclose(maps_of(narrower), maps_of(student), rtol=1e-4, atol=1e-4)


def test_the_channels_that_carry_most_are_kept_by_hand() -> None:
    student = random_student(EARLIER)
    into = np.ones_like(student.weights["stage2.block1.a"].kernel)
    out_of = np.ones_like(student.weights["stage2.block1.b"].kernel)
    # Products of the two norms: 6, 1, 4, 2, 3, 5 times that of ones.
    into *= np.array([6, 1, 2, 2, 1, 5], np.float32)
    out_of *= np.array([1, 1, 2, 1, 3, 1], np.float32)[:, None]
    for name, kernel in (("stage2.block1.a", into), ("stage2.block1.b", out_of)):
        student = changed(student, name, FoldedWeights(kernel, student.weights[name].bias))
    narrower = reshaped(student, with_stages(FIRST, replace(SECOND, width=3), THIRD))
    np.testing.assert_array_equal(narrower.weights["stage2.block1.a"].kernel, into[..., [0, 2, 5]])
    np.testing.assert_array_equal(
        narrower.weights["stage2.block1.b"].kernel, out_of[:, :, [0, 2, 5]]
    )


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (replace(EARLIER, dim=4), "another stem, other features or another dim"),
        (with_stages(FIRST, SECOND, replace(THIRD, channels=32)), "without a stage of 32 channels"),
        (with_stages(FIRST, replace(SECOND, width=7), THIRD), "narrower than 7 channels"),
        (with_stages(FIRST, replace(SECOND, channels=24)), "without a stage of 24 channels"),
        (with_stages(FIRST, SECOND), "one more stage, of 24 channels"),
    ],
)
def test_a_shape_that_cannot_be_had_is_refused(wanted: Architecture, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        reshaped(random_student(EARLIER), wanted)
