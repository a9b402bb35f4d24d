"""The settings of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imgsearch.distillation.crops import CropRules
from imgsearch.errors import UsageError
from imgsearch.networks.backbones.compact.architecture import COMPACT, Architecture

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How a student is trained.

    The learning rate rises over `warm_up` steps, stays, and falls to zero over the last share of
    the samples; a run that turns out too short can be continued from its plateau (Hägele et al.
    2024, https://arxiv.org/abs/2405.18392).

    Attributes:
        samples: crops to train on, counting repetitions.
        batch_size: crops per step.
        learning_rate: AdamW's, on the plateau.
        weight_decay: AdamW's, on kernels only.
        warm_up: steps until the plateau.
        decay: share of the samples over which the rate falls to zero.
        sizes: side in pixels that the student sees, and the share of the samples from which on;
            ascending, the first share 0. Small images at first allow several times the samples.
        bank: number of other crops whose similarities are compared.
        averaging: decay of the averaged weights per step (Polyak averaging).
        seed: of the kernels, the order of crops, their flips and the banks.
    """

    samples: int = 2_000_000
    batch_size: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    warm_up: int = 200
    decay: float = 0.25
    sizes: tuple[tuple[float, int], ...] = ((0.0, 64), (0.5, 96), (0.8, 128))
    bank: int = 2048
    averaging: float = 0.998
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            UsageError: one is out of range.
        """
        for name in ("samples", "batch_size", "bank"):
            if getattr(self, name) < 2:  # noqa: PLR2004  normalisation needs two
                raise UsageError(f"{name}: {getattr(self, name)} is below 2")
        for name in ("decay", "averaging"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name}: {getattr(self, name)} is not between 0 and 1")
        for name in ("learning_rate", "weight_decay", "warm_up", "seed"):
            value = getattr(self, name)
            if not math.isfinite(value) or value < 0:
                raise UsageError(f"{name}: {value} is not a finite number from 0 up")
        shares = [share for share, _ in self.sizes]
        if not shares or shares[0] != 0 or shares != sorted(shares) or shares[-1] > 1:
            raise UsageError(f"sizes: shares {shares} do not rise from 0 to at most 1")
        if any(size < 32 for _, size in self.sizes):  # noqa: PLR2004  the network's stride
            raise UsageError(f"sizes: {self.sizes} holds a side below 32 pixels")

    @property
    def steps(self) -> int:
        """Steps of the whole run, the last batch rounded up."""
        return math.ceil(self.samples / self.batch_size)

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        rise = min(1.0, (step + 1) / max(self.warm_up, 1))
        falling = self.steps * self.decay
        fall = min(1.0, (self.steps - step) / falling) if falling else 1.0
        return self.learning_rate * rise * fall

    def size_at(self, step: int) -> int:
        """Return the side of the student's input at a step, in pixels."""
        return [size for share, size in self.sizes if step >= share * self.steps][-1]

    @property
    def final_size(self) -> int:
        """Side of the student's input in the end, in pixels."""
        return self.sizes[-1][1]


@dataclass(frozen=True, kw_only=True)
class DistillOptions:
    """Options of a distillation besides its images and teachers.

    Attributes:
        training: how the student is trained.
        rules: how crops are drawn.
        crops: cached for every image, on average.
        held_out: share of the images that figures are computed on and the student never sees.
        initial: a student's file to start from, or None.
        validate: a folder whose subfolders are labels, for the mAP figures, or None.
        resume: continue from the last checkpoint.
        overwrite: replace `out`, and delete an unfinished run.
        checkpoint_seconds: time between checkpoints, and between figures.
        architecture: of the student; few images may reduce its dim.
    """

    training: TrainingSettings = field(default_factory=TrainingSettings)
    rules: CropRules = field(default_factory=CropRules)
    crops: int = 4
    held_out: float = 0.05
    initial: Path | None = None
    validate: Path | None = None
    resume: bool = False
    overwrite: bool = False
    checkpoint_seconds: float = 600.0
    architecture: Architecture = COMPACT

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            UsageError: one is out of range.
        """
        if self.crops < 1:
            raise UsageError(f"crops: {self.crops} crops per image; at least 1 is needed")
        if not 0 < self.held_out < 1:
            raise UsageError(f"held_out: {self.held_out} is not between 0 and 1")
