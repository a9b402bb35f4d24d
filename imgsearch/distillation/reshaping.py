"""An earlier student's weights in another architecture, so that training need not start at random.

Two changes keep most of what was learnt: a residual block that preserves the shape of its input
can be removed or added (it starts as the identity, as in Net2Net, Chen et al.
2016, https://arxiv.org/abs/1511.05641), and channels inside a block can be removed, those of
least weight first (Li et al. 2017, https://arxiv.org/abs/1608.08710).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.networks.backbones.compact.weights import FoldedStudent, FoldedWeights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from imgsearch.distillation.folding import UnitWeights
    from imgsearch.networks.backbones.compact.architecture import Architecture, Block, Stage


def reshaped(earlier: FoldedStudent, architecture: Architecture) -> FoldedStudent:
    """Return an earlier student's weights in another architecture.

    Stages correspond that are of one kind, with the same number of channels and the same stride.
    Surplus blocks of a stage are removed from its end; missing ones are added there, with weights
    of zero. Inside a block the channels with the largest weights are kept.

    Args:
        earlier: the student whose weights are reused.
        architecture: of the new student.

    Raises:
        UsageError: the architectures differ in other ways.
    """
    before = earlier.architecture
    if replace(before, stages=architecture.stages) != architecture:
        raise UsageError(
            "initial: a student with another stem, other features or another dim than this one"
        )
    weights = {
        c.name: earlier.weights[c.name]
        for c in (
            *architecture.stem_convolutions(),
            architecture.features_convolution(),
            architecture.head_convolution(),
        )
    }
    for old, new in _pairs(before, architecture):
        if old is None:
            weights.update((c.name, _zeros(c.kernel, c.inputs, c.outputs)) for c in new.branch)
            continue
        branch = [earlier.weights[c.name] for c in old.branch]
        for i, wanted in enumerate(new.branch[:-1]):
            branch[i : i + 2] = _narrowed(branch[i], branch[i + 1], wanted.outputs)
        weights.update((c.name, unit) for c, unit in zip(new.branch, branch, strict=True))
        if new.shortcut is not None and old.shortcut is not None:
            weights[new.shortcut.name] = earlier.weights[old.shortcut.name]
    return FoldedStudent(architecture, weights)


def units_from(
    earlier: FoldedStudent, architecture: Architecture, images: NDArray[np.uint8]
) -> dict[str, UnitWeights]:
    """Return weights with normalisations, from which training continues with another student.

    Args:
        earlier: the student whose weights are reused.
        architecture: of the new student.
        images: some hundred training images, shape (n, s, s, 3), uint8.

    Returns:
        Weights by convolution's name, without the head, which fits only the earlier student's
        targets (`heads.fit_head` fits another), and without added blocks, which should start as in
        any new student.

    Raises:
        UsageError: the architectures differ in other ways.
    """
    from imgsearch.distillation.student import unfold

    wanted = replace(architecture, dim=earlier.architecture.dim)
    units = unfold(earlier if earlier.architecture == wanted else reshaped(earlier, wanted), images)
    del units[wanted.head_convolution().name]
    return {name: unit for name, unit in units.items() if unit.kernel.any()}


def _pairs(before: Architecture, after: Architecture) -> Iterator[tuple[Block | None, Block]]:
    """Yield each block of the new architecture, with the old one whose weights it takes, if any."""
    left = {_kind(stage): blocks for stage, blocks in _by_stage(before)}
    for stage, blocks in _by_stage(after):
        found: list[Block | None] = [*left.pop(_kind(stage), [])]
        if not found:
            raise UsageError(f"initial: a student without a stage of {stage.channels} channels")
        missing: list[Block | None] = [None] * len(blocks)
        yield from zip((found + missing)[: len(blocks)], blocks, strict=True)
    for (_, channels, _), blocks in left.items():
        if any(block.shortcut is not None for block in blocks):
            raise UsageError(f"initial: a student with one more stage, of {channels} channels")


def _by_stage(architecture: Architecture) -> Iterator[tuple[Stage, list[Block]]]:
    blocks = architecture.blocks()
    for stage in architecture.stages:
        yield stage, blocks[: stage.repeats]
        blocks = blocks[stage.repeats :]


def _kind(stage: Stage) -> tuple[str, int, int]:
    return stage.kind, stage.channels, stage.stride


def _narrowed(
    first: FoldedWeights, second: FoldedWeights, channels: int
) -> tuple[FoldedWeights, FoldedWeights]:
    """Return two successive convolutions with only so many channels between them."""
    if channels > first.kernel.shape[-1]:
        raise UsageError(f"initial: a student whose blocks are narrower than {channels} channels")
    kept = np.sort(np.argsort(-_importance(first, second), kind="stable")[:channels])
    return (
        FoldedWeights(first.kernel[..., kept], first.bias[kept]),
        FoldedWeights(second.kernel[:, :, kept], second.bias),
    )


def _importance(first: FoldedWeights, second: FoldedWeights) -> NDArray[np.float32]:
    into: NDArray[np.float32] = np.sum(first.kernel**2, axis=(0, 1, 2))
    out_of: NDArray[np.float32] = np.sum(second.kernel**2, axis=(0, 1, 3))
    importance: NDArray[np.float32] = np.sqrt(into * out_of)
    return importance


def _zeros(kernel: int, inputs: int, outputs: int) -> FoldedWeights:
    return FoldedWeights(
        np.zeros((kernel, kernel, inputs, outputs), np.float32), np.zeros(outputs, np.float32)
    )
