"""The student and its losses in PyTorch, for long runs on a processor.

Development code: it interprets the same `Architecture` as the Keras builder, with channels-last
memory and bfloat16 arithmetic throughout, which is about twice as fast as Keras on a processor.
Only the other `torch_` modules import it, and PyTorch is not a dependency. `torch_run.py` is the
loop around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from imgsearch.distillation.folding import UnitWeights
from imgsearch.distillation.losses import COSINE_WEIGHT, TEMPERATURE
from imgsearch.networks.backbones.compact.network import HALF_RANGE
from imgsearch.networks.backbones.compact.weights import EPSILON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from imgsearch.networks.backbones.compact.architecture import Architecture, Block, Convolution

MOMENTUM: Final = 0.05
"""Share of a normalisation's running statistics that a batch replaces."""
EMBEDDED_AT_ONCE: Final = 128


class Unit(nn.Module):  # type: ignore[misc]  # PyTorch is not looked into
    """Convolution, batch normalisation and, where asked, ReLU."""

    def __init__(self, spec: Convolution) -> None:
        super().__init__()
        self.spec = spec
        self.convolution = nn.Conv2d(
            spec.inputs, spec.outputs, spec.kernel, spec.stride, spec.padding, bias=False
        )
        self.normalisation = nn.BatchNorm2d(spec.outputs, eps=EPSILON, momentum=MOMENTUM)
        nn.init.kaiming_normal_(self.convolution.weight, mode="fan_out", nonlinearity="relu")
        if spec.starts_at_zero:
            nn.init.zeros_(self.normalisation.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, inputs, h, w) -> (n, outputs, h / stride, w / stride)."""
        x = self.normalisation(self.convolution(x))
        return functional.relu(x, inplace=True) if self.spec.relu else x


class Residual(nn.Module):  # type: ignore[misc]  # as above
    """A residual block."""

    def __init__(self, spec: Block) -> None:
        super().__init__()
        self.spec = spec
        self.branch = nn.Sequential(*(Unit(c) for c in spec.branch))
        self.shortcut = None if spec.shortcut is None else Unit(spec.shortcut)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return relu(branch(x) + shortcut(x))."""
        y = self.branch(x)
        if self.shortcut is not None:
            if self.spec.shortcut_pool > 1:
                x = functional.avg_pool2d(x, self.spec.shortcut_pool)
            x = self.shortcut(x)
        return functional.relu(x + y, inplace=True)


class Student(nn.Module):  # type: ignore[misc]  # as above
    """Images (n, 3, s, s) in 0..255, s a multiple of 32 -> embeddings (n, dim), not unit."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.body = nn.Sequential(
            *(Unit(c) for c in architecture.stem_convolutions()),
            *(Residual(b) for b in architecture.blocks()),
            Unit(architecture.features_convolution()),
        )
        self.head = Unit(architecture.head_convolution())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the embeddings, float32."""
        return self.head(self.features(x)).flatten(1).float()

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the head sees, pooled, (n, features, 1, 1)."""
        return self.body(x / HALF_RANGE - 1.0).mean((2, 3), keepdim=True)

    def dense(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the embeddings, and the locations whose means they are, (n, h, w, dim), float32.

        The head's normalisation takes its statistics from the means, as in `forward`.
        """
        maps = self.head.convolution(self.body(x / HALF_RANGE - 1.0)).float()
        pooled = maps.mean((2, 3), keepdim=True)
        norm = self.head.normalisation
        variance = norm.running_var[:, None, None]
        if self.training:
            variance = pooled.var(0, unbiased=False)
        factor = norm.weight[:, None, None] * (variance + norm.eps).rsqrt()
        rows = norm(pooled)
        locations = rows + factor * (maps - pooled)
        return rows.flatten(1), locations.permute(0, 2, 3, 1)

    def units(self) -> dict[str, UnitWeights]:
        """Return the arrays by convolution's name, as the Keras student takes them."""
        return {
            unit.spec.name: UnitWeights(
                # (outputs, inputs, k, k) -> (k, k, inputs, outputs)
                kernel=_array(unit.convolution.weight.permute(2, 3, 1, 0)),
                scale=_array(unit.normalisation.weight),
                offset=_array(unit.normalisation.bias),
                mean=_array(unit.normalisation.running_mean),
                variance=_array(unit.normalisation.running_var),
            )
            for unit in self.modules()
            if isinstance(unit, Unit)
        }

    @torch.no_grad()  # type: ignore[untyped-decorator]  # as above
    def set_units(self, units: Mapping[str, UnitWeights]) -> None:
        """Take arrays by convolution's name; what is not named stays as it is."""
        for unit in self.modules():
            if isinstance(unit, Unit) and unit.spec.name in units:
                arrays, norm = units[unit.spec.name], unit.normalisation
                unit.convolution.weight.copy_(torch.tensor(arrays.kernel).permute(3, 2, 0, 1))
                norm.weight.copy_(torch.tensor(arrays.scale))
                norm.bias.copy_(torch.tensor(arrays.offset))
                norm.running_mean.copy_(torch.tensor(arrays.mean))
                norm.running_var.copy_(torch.tensor(arrays.variance))


def as_batch(pixels: NDArray[np.uint8], size: int) -> torch.Tensor:
    """Return uint8 pixels (n, s, s, 3) as bfloat16 (n, 3, size, size), channels last."""
    # A copy: what is mapped from a file cannot be written to, as PyTorch wants it.
    images = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2)
    if images.shape[-1] != size:
        images = functional.interpolate(images, (size, size), mode="bilinear", antialias=True)
    return images.contiguous(memory_format=torch.channels_last).bfloat16()


@torch.no_grad()  # type: ignore[untyped-decorator]  # PyTorch is not looked into
def embed(student: Student, images: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """Return unit rows (n, dim) of images (n, s, s, 3) that the student sees at another size."""
    rows = []
    for start in range(0, len(images), EMBEDDED_AT_ONCE):
        with torch.autocast("cpu", torch.bfloat16):
            rows.append(student(as_batch(images[start : start + EMBEDDED_AT_ONCE], size)))
    unit: NDArray[np.float32] = functional.normalize(torch.cat(rows), dim=1).numpy()
    return unit


def distillation_loss(
    targets: torch.Tensor, embeddings: torch.Tensor, bank: torch.Tensor
) -> torch.Tensor:
    """Return what `imgsearch.distillation.losses.distillation_loss` returns, in PyTorch."""
    rows = functional.normalize(embeddings, dim=1)
    cosine = 1 - (rows * targets).sum(1).mean()
    log_q = functional.log_softmax(rows @ bank.T / TEMPERATURE, dim=1)
    log_p = functional.log_softmax(targets @ bank.T / TEMPERATURE, dim=1)
    divergence = functional.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
    return COSINE_WEIGHT * cosine + divergence


def dense_loss(targets: torch.Tensor, locations: torch.Tensor) -> torch.Tensor:
    """Return the mean of 1 - cosine over crops, all locations of a crop as one vector.

    So locations of which the teachers say little count little, and a crop's locations share one
    scale.

    Args:
        targets: shape (n, h, w, dim).
        locations: the student's, of the same shape.
    """
    return 1 - functional.cosine_similarity(targets.flatten(1), locations.flatten(1)).mean()


def _array(tensor: torch.Tensor) -> Any:  # noqa: ANN401  NumPy's array, from the untyped PyTorch
    return tensor.detach().float().contiguous().numpy().copy()
