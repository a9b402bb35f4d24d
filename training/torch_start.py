"""A student in PyTorch takes over the weights of an earlier one: development code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from imgsearch.distillation.batches import scaled
from imgsearch.distillation.heads import fit_head
from imgsearch.distillation.reshaping import units_from
from training.torch_student import EMBEDDED_AT_ONCE, as_batch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.networks.backbones.compact.weights import FoldedStudent
    from training.torch_student import Student

STATISTICS_CROPS: Final = 256


@torch.no_grad()  # type: ignore[untyped-decorator]  # PyTorch is not looked into
def start_from(
    earlier: FoldedStudent,
    student: Student,
    *,
    crops: NDArray[np.uint8],
    targets: NDArray[np.float32],
    size: int,
) -> None:
    """Give a student the weights of an earlier one, whose normalisations were folded away.

    The head is fitted anew, on what the earlier one says first: the teachers are mostly the same.

    Args:
        earlier: of the same architecture, or one that `reshaped` can bring into its shape.
        student: what is to be trained; it is changed.
        crops: some thousand of those to train on, shape (n, s, s, 3), uint8.
        targets: theirs, unit rows, shape (n, dim).
        size: side in pixels at which training begins.

    Raises:
        UsageError: the architectures differ too much.
    """
    student.set_units(
        units_from(earlier, student.architecture, scaled(crops[:STATISTICS_CROPS], size))
    )
    student.eval()
    pooled = []
    for start in range(0, len(crops), EMBEDDED_AT_ONCE):
        with torch.autocast("cpu", torch.bfloat16):
            batch = as_batch(crops[start : start + EMBEDDED_AT_ONCE], size)
            pooled.append(student.features(batch).flatten(1).float())
    fitted = fit_head(torch.cat(pooled).numpy(), targets, earlier=earlier.head_kernel())
    student.set_units({student.architecture.head_convolution().name: fitted})
