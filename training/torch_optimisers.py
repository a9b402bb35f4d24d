"""The optimisers of long runs: Muon for the inner kernels, AdamW for what is left.

Development code, for `torch_run.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imgsearch.distillation.settings import TrainingSettings

ITERATIONS: Final = 5
QUINTIC: Final = (3.4445, -4.7750, 2.0315)
UPDATE_SCALE: Final = 0.2


def shares(parameters: Sequence[nn.Parameter], count: int) -> list[list[int]]:
    """Return which parameters each worker updates, by position: about as many numbers each."""
    load, chosen = [0] * count, [list[int]() for _ in range(count)]
    for i in sorted(range(len(parameters)), key=lambda i: -parameters[i].numel()):
        worker = load.index(min(load))
        load[worker] += parameters[i].numel()
        chosen[worker].append(i)
    return [sorted(positions) for positions in chosen]


def optimisers(parameters: list[nn.Parameter], settings: TrainingSettings) -> list[Any]:
    """Return Muon for the inner kernels and AdamW for what is left of these parameters."""

    def is_inner(parameter: nn.Parameter) -> bool:
        # The stem's first kernel sees three colours: too few directions to orthogonalise.
        return bool(parameter.ndim == 4 and parameter.shape[1] > 3)  # noqa: PLR2004  kernels, colours

    inner = [p for p in parameters if is_inner(p)]
    outer = [p for p in parameters if p.ndim == 4 and not is_inner(p)]  # noqa: PLR2004
    vectors = [p for p in parameters if p.ndim != 4]  # noqa: PLR2004
    groups = [
        {"params": outer, "weight_decay": settings.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return [
        Muon(inner, learning_rate=settings.learning_rate, weight_decay=settings.weight_decay),
        torch.optim.AdamW([g for g in groups if g["params"]], lr=settings.learning_rate),
    ]


class Muon(torch.optim.Optimizer):  # type: ignore[misc]  # as above
    """Momentum, orthogonalised by a Newton-Schulz iteration, for convolutions' kernels.

    Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/, with the scale of Liu et al.
    2025, https://arxiv.org/abs/2502.16982, so that AdamW's learning rates and decay hold.
    """

    def __init__(
        self,
        kernels: Iterable[nn.Parameter],
        *,
        learning_rate: float,
        momentum: float = 0.95,
        weight_decay: float = 0.05,
    ) -> None:
        settings = {"lr": learning_rate, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(kernels, settings)

    @torch.no_grad()  # type: ignore[untyped-decorator]  # as above
    def step(self) -> None:
        """Update every kernel from its gradient; kernels of one shape go together."""
        for group in self.param_groups:
            by_shape: dict[tuple[int, ...], list[nn.Parameter]] = {}
            for kernel in group["params"]:
                by_shape.setdefault(tuple(kernel.shape), []).append(kernel)
            for kernels in by_shape.values():
                self._update(kernels, group)

    def _update(self, kernels: list[nn.Parameter], group: dict[str, Any]) -> None:
        updates = []
        for kernel in kernels:
            state = self.state[kernel]
            if "momentum" not in state:
                state["momentum"] = torch.zeros_like(kernel)
            state["momentum"].lerp_(kernel.grad, 1 - group["momentum"])
            # Nesterov's look ahead
            ahead = kernel.grad.lerp(state["momentum"], group["momentum"])
            updates.append(ahead.reshape(len(kernel), -1))
        directions = orthogonalised(torch.stack(updates))
        scale = UPDATE_SCALE * max(directions.shape[1:]) ** 0.5
        for kernel, direction in zip(kernels, directions, strict=True):
            kernel.mul_(1 - group["lr"] * group["weight_decay"])
            kernel.add_(direction.reshape(kernel.shape), alpha=-group["lr"] * scale)


def orthogonalised(matrices: torch.Tensor) -> torch.Tensor:
    """Return matrices (b, m, n) with singular values near 1 and the same singular vectors."""
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonalised(matrices.mT).mT
    x = matrices.bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    first, third, fifth = QUINTIC
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = first * x + torch.baddbmm(third * square, square, square, alpha=fifth) @ x
    return x.float()
