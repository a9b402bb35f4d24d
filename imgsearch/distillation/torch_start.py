"""A student in PyTorch takes over the weights of an earlier one: development code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from imgsearch.distillation.reshaping import units_from
from imgsearch.distillation.torch_student import EMBEDDED_AT_ONCE, as_batch
from imgsearch.distillation.training import scaled
from imgsearch.distillation.weights import EPSILON

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.distillation.torch_student import Student
    from imgsearch.distillation.weights import FoldedStudent

PROBES: Final = 256
RIDGE: Final = 0.01


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

    The head is fitted anew, by ridge regression from the pooled features onto the targets: those
    of another run point along other axes.

    Args:
        earlier: of the same architecture, or one that `reshaped` can bring into its shape.
        student: what is to be trained; it is changed.
        crops: some thousand of those to train on, shape (n, s, s, 3), uint8.
        targets: theirs, unit rows, shape (n, dim).
        size: side in pixels at which training begins.

    Raises:
        UsageError: the architectures differ too much.
    """
    student.set_units(units_from(earlier, student.architecture, scaled(crops[:PROBES], size)))
    student.eval()
    pooled = []
    for start in range(0, len(crops), EMBEDDED_AT_ONCE):
        with torch.autocast("cpu", torch.bfloat16):
            batch = as_batch(crops[start : start + EMBEDDED_AT_ONCE], size)
            pooled.append(student.features(batch).flatten(1).float())
    features, wanted = torch.cat(pooled), torch.from_numpy(targets)
    centred = features - features.mean(0)
    gram = centred.T @ centred
    gram.diagonal().add_(RIDGE * gram.diagonal().mean())
    kernel = torch.linalg.solve(gram, centred.T @ (wanted - wanted.mean(0))).T
    outputs = features @ kernel.T
    norm = student.head.normalisation
    student.head.convolution.weight.copy_(kernel[:, :, None, None])
    norm.running_mean.copy_(outputs.mean(0))
    norm.running_var.copy_(outputs.var(0))
    norm.weight.copy_((outputs.var(0) + EPSILON).sqrt())
    norm.bias.copy_(wanted.mean(0))
