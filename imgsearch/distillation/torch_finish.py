"""Statistics of a run's averaged weights, taken anew before they are folded: development code.

    python -m imgsearch.distillation.torch_finish CHECKPOINT.pt CACHE... --out student.npz

Running statistics are those of the weights that were trained. Averaged weights give narrower
outputs, which those statistics scale down too far, layer after layer (Izmailov et al. 2018,
https://arxiv.org/abs/1803.05407, section 3.2). `torch_run.py` finishes its students like this.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import nn

from imgsearch.distillation import weights
from imgsearch.distillation.architecture import COMPACT
from imgsearch.distillation.targets import CropCache
from imgsearch.distillation.torch_student import Student, as_batch
from imgsearch.distillation.torch_worker import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.distillation.architecture import Architecture
    from imgsearch.distillation.weights import FoldedStudent

BATCHES: Final = 64
BATCH: Final = 512
"""Crops normalised together, from all caches alike."""


def finished(student: Student, caches: Sequence[CropCache], *, size: int) -> FoldedStudent:
    """Return a student of averaged weights for use, with statistics that are its own.

    Args:
        student: with averaged weights; its statistics are changed.
        caches: the crops that it was trained on.
        size: side in pixels at which it sees them.
    """
    for unit in student.modules():
        if isinstance(unit, nn.BatchNorm2d):
            unit.reset_running_stats()
            unit.momentum = None  # a mean over all batches alike
    student.train()
    share = -(-BATCH // len(caches))
    generator = np.random.default_rng(0)
    for _ in range(BATCHES):
        chosen = [np.sort(generator.integers(len(cache.crops), size=share)) for cache in caches]
        crops = np.concatenate([c.crops[rows] for c, rows in zip(caches, chosen, strict=True)])
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            student(as_batch(crops, size))
    student.eval()
    return weights.fold_all(student.architecture, student.units())


def finish(
    checkpoint: Path, caches: Sequence[Path], *, out: Path, architecture: Architecture = COMPACT
) -> None:
    """Write the averaged student of a checkpoint of `torch_run.py`, at the size of the crops."""
    student = Student(architecture).to(memory_format=torch.channels_last)
    student.load_state_dict(load(checkpoint)["ema"])
    opened = [CropCache.open(folder) for folder in caches]
    weights.save(out, finished(student, opened, size=opened[0].crops.shape[1]))


def main() -> None:
    """Read the command line and write the student."""
    parser = argparse.ArgumentParser(description="Write the student of a checkpoint.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("caches", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    finish(given.checkpoint, given.caches, out=given.out)


if __name__ == "__main__":
    main()
