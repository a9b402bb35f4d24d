"""The student's file of a run's checkpoint, with statistics of its own: development code.

    python -m training.torch_finish CHECKPOINT.pt CACHE... --out student.npz

`torch_run.py` finishes its students like this.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch

from imgsearch.distillation import folding
from imgsearch.distillation.targets import CropCache
from imgsearch.networks.backbones.compact.architecture import COMPACT
from training.torch_statistics import take_statistics
from training.torch_student import Student
from training.torch_worker import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.networks.backbones.compact.architecture import Architecture
    from imgsearch.networks.backbones.compact.weights import FoldedStudent

BATCHES: Final = 64
"""Of which a student's statistics are means."""


def finished(student: Student, caches: Sequence[CropCache], *, size: int) -> FoldedStudent:
    """Return a student of averaged weights for use, with statistics that are its own.

    Args:
        student: with averaged weights; its statistics are changed.
        caches: the crops that it was trained on.
        size: side in pixels at which it sees them.
    """
    crops = [cache.crops for cache in caches]
    take_statistics(student, crops, size=size, batches=BATCHES)
    return folding.fold_all(student.architecture, student.units())


def finish(
    checkpoint: Path, caches: Sequence[Path], *, architecture: Architecture = COMPACT
) -> FoldedStudent:
    """Return the averaged student of a checkpoint of `torch_run.py`, at the size of the crops."""
    student = Student(architecture).to(memory_format=torch.channels_last)
    student.load_state_dict(load(checkpoint)["ema"])
    opened = [CropCache.open(folder) for folder in caches]
    return finished(student, opened, size=opened[0].crops.shape[1])


def main() -> None:
    """Read the command line and write the student."""
    parser = argparse.ArgumentParser(description="Write the student of a checkpoint.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("caches", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    folding.save(given.out, finish(given.checkpoint, given.caches))


if __name__ == "__main__":
    main()
