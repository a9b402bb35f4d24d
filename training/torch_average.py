"""One student of two checkpoints: their averaged weights, averaged once more. Development code.

    python -m training.torch_average FIRST.pt SECOND.pt --share 0.7 --out student.npz
        [--crops CACHE]...

Two ends of one line of training lie so near to each other that what is between them works, and may
keep what each knows (Wortsman et al. 2022, https://arxiv.org/abs/2109.01903). The weights are
averaged before folding. Running statistics are averaged too, as those of versions 4 to 8 were, or
taken anew on crops; `torch_statistics.py` says why.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from imgsearch.distillation import folding
from imgsearch.distillation.targets import CropCache
from imgsearch.errors import UsageError
from imgsearch.networks.backbones.compact.architecture import COMPACT
from training.torch_finish import finished
from training.torch_student import Student

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.networks.backbones.compact import weights
    from imgsearch.networks.backbones.compact.architecture import Architecture


def average(
    first: Path,
    second: Path,
    *,
    share: float,
    caches: Sequence[Path] = (),
    architecture: Architecture = COMPACT,
) -> weights.FoldedStudent:
    """Return the student between two checkpoints of `torch_run.py`.

    Args:
        first: a checkpoint.
        second: another one, of the same architecture.
        share: how much of the second one, 0 to 1.
        caches: crops on which statistics are taken anew; none averages those that there are.
        architecture: theirs.

    Raises:
        UsageError: the share is not between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise UsageError(f"share: {share} is not between 0 and 1")
    one, other = (
        torch.load(path, weights_only=True, map_location="cpu")["ema"] for path in (first, second)
    )
    student = Student(architecture)
    student.load_state_dict(
        {
            name: (1 - share) * one[name] + share * value if value.is_floating_point() else value
            for name, value in other.items()
        }
    )
    if caches:
        opened = [CropCache.open(folder) for folder in caches]
        return finished(student, opened, size=opened[0].crops.shape[1])
    return folding.fold_all(architecture, student.units())


def main() -> None:
    """Read the command line and write the student."""
    parser = argparse.ArgumentParser(description="Average the students of two checkpoints.")
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the second one")
    parser.add_argument(
        "--crops", type=Path, action="append", default=[], help="take statistics anew on these"
    )
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    folding.save(
        given.out, average(given.first, given.second, share=given.share, caches=given.crops)
    )


if __name__ == "__main__":
    main()
