"""Put a colour part beside what a student has learnt: development code.

    python -m imgsearch.distillation.add_colours STUDENT.npz --crops CACHE --weight 0.06
        --out FILE.npz

The weight is the share of the colour part in the squared length of a usual embedding, so in the
cosine of two of them.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.backbones.framework import load_keras
from imgsearch.distillation import colour_part, weights
from imgsearch.distillation.student import build_folded
from imgsearch.distillation.targets import CropCache
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

COUNT: Final = 2048
"""Crops that are looked at, at most."""
_AT_ONCE: Final = 64


def with_colours(
    student: weights.FoldedStudent, pictures: NDArray[np.uint8], *, weight: float
) -> weights.FoldedStudent:
    """Return a student with a colour part fitted to pictures, in place of one that it had.

    Args:
        student: a trained one.
        pictures: some hundred at least, shape (n, s, s, 3), uint8, s a multiple of 4.
        weight: of the colour part, from 0 to 1, both excluded.

    Raises:
        UsageError: the weight is not between 0 and 1.
    """
    if not 0 < weight < 1:
        raise UsageError(f"weight: {weight} is not between 0 and 1")
    plain = replace(student, colours=None)
    model = build_folded(plain, pictures.shape[1])
    lengths = [
        np.linalg.norm(np.asarray(model(batch.astype(np.float32))).mean(axis=(1, 2)), axis=1)
        for batch in np.array_split(pictures, -(-len(pictures) // _AT_ONCE))
    ]
    length = float(np.median(np.concatenate(lengths)) * np.sqrt(weight / (1 - weight)))
    return replace(plain, colours=colour_part.fit(pictures, length=length))


def main() -> None:
    """Read the command line and write the student."""
    parser = argparse.ArgumentParser(description="Put a colour part beside a student.")
    parser.add_argument("student", type=Path)
    parser.add_argument("--crops", type=Path, required=True, help="a cache of ask_teachers.py")
    parser.add_argument("--weight", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    load_keras()
    crops = CropCache.open(given.crops).crops
    some = crops[np.linspace(0, len(crops) - 1, min(COUNT, len(crops)), dtype=np.int64)]
    student = with_colours(weights.load(given.student), some, weight=given.weight)
    weights.save(given.out, student)


if __name__ == "__main__":
    main()
