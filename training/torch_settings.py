"""What a long run in PyTorch is told: development code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.networks.backbones.compact.architecture import COMPACT
from training.coloured_targets import ColouredTargets

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.distillation.settings import TrainingSettings
    from imgsearch.networks.backbones.compact.architecture import Architecture

DENSE_WEIGHT: Final = 2.0
"""Of the loss over locations, where the caches have targets for them."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run is told.

    Attributes:
        caches: folders of `CropCache`, trained on in equal parts of their lengths.
        held_out: such a folder for the figures.
        projection: file of the projection that makes targets of the teachers' embeddings.
        checkpoint: written every five minutes; gone on from when it is there.
        log: JSON lines are appended to it.
        out: the student's file.
        plateau: samples until the learning rate falls, counted from the start of this run.
        decay: samples from there until it is zero and the run ends.
        sizes: samples, and the side in pixels that the student sees from then on, ascending.
        settings: batch size, rate, decay of weights, warm-up, bank, averaging and seed.
        dense_weight: of the loss over locations; it needs caches with targets for them.
        micro: crops of a small batch, over which normalisation takes its statistics.
        architecture: what is trained.
        initial: a student's file to start from where there is no checkpoint, or None.
        colours: file of the part that colours have in the targets, or None.
    """

    caches: tuple[Path, ...]
    held_out: Path
    projection: Path
    checkpoint: Path
    log: Path
    out: Path
    plateau: int
    decay: int
    sizes: tuple[tuple[int, int], ...]
    settings: TrainingSettings
    dense_weight: float = DENSE_WEIGHT
    micro: int = 64
    architecture: Architecture = COMPACT
    initial: Path | None = None
    colours: Path | None = None

    def read_colours(self) -> ColouredTargets | None:
        """Return the part that colours have in the targets, or None."""
        return ColouredTargets.from_bytes(self.colours.read_bytes()) if self.colours else None

    def size_at(self, samples: int) -> int:
        """Return the side in pixels that the student sees after so many samples of this run."""
        return [side for begin, side in self.sizes if samples >= begin][-1]

    def rate_at(self, samples: int, step: int) -> float:
        """Return the learning rate after so many samples of this run and, in the warm-up, steps."""
        rise = min(1.0, (step + 1) / max(self.settings.warm_up, 1))
        fall = min(1.0, (self.plateau + self.decay - samples) / self.decay) if self.decay else 1.0
        return self.settings.learning_rate * rise * max(0.0, fall)
