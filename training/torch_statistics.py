"""Statistics of averaged weights, for their normalisations: development code.

Running statistics are those of the weights that were trained. Averaged weights give narrower
outputs, which those statistics scale down too far, layer after layer (Izmailov et al. 2018,
https://arxiv.org/abs/1803.05407, section 3.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import nn

from training.torch_student import as_batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.torch_student import Student

BATCH: Final = 512
"""Crops normalised together, from all caches alike."""


def take_statistics(
    student: Student, crops: Sequence[NDArray[np.uint8]], *, size: int, batches: int
) -> None:
    """Give a student statistics that are its weights' own; afterwards it is not in training.

    Args:
        student: with averaged weights; its statistics are changed.
        crops: of each cache that it was trained on, shape (n, s, s, 3).
        size: side in pixels at which it sees them.
        batches: of which the statistics are means, all alike.
    """
    for unit in student.modules():
        if isinstance(unit, nn.BatchNorm2d):
            unit.reset_running_stats()
            unit.momentum = None  # a mean over all batches alike
    student.train()
    share = -(-BATCH // len(crops))
    generator = np.random.default_rng(0)
    for _ in range(batches):
        chosen = [x[np.sort(generator.integers(len(x), size=share))] for x in crops]
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            student(as_batch(np.concatenate(chosen), size))
    student.eval()
