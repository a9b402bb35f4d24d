"""Dense targets: a target for every location of a crop, not only for the whole.

A teacher's embedding is the mean of its feature maps over locations, and so is the student's, so
the projection that turns the mean into a target also turns each location into one. A crop then
gives sixteen targets instead of one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from imgsearch.vectors.projection import Projection

GRID: Final = 4
"""Locations a side: those that the student has at 128 px."""


@dataclass(frozen=True)
class DenseTargets:
    """How feature maps become targets of locations.

    Attributes:
        projection: turns the teachers' concatenated embeddings into targets.
        grid: locations a side.
    """

    projection: Projection
    grid: int = GRID

    @property
    def fingerprint(self) -> str:
        """Digits that differ whenever the targets would."""
        return f"{self.grid}-{hashlib.sha256(self.projection.to_bytes()).hexdigest()}"

    def of(self, maps: Sequence[NDArray[np.float32]]) -> NDArray[np.float16]:
        """Return the targets of all locations.

        Args:
            maps: each teacher's feature maps of the same crops, shape (n, h, w, its dim).

        Returns:
            Shape (n, grid, grid, projection.out); the mean over locations points where the target
            of the whole crop does, and its length is 1 only by chance.

        Raises:
            UsageError: the maps' dims do not add up to the projection's.
        """
        dim = sum(m.shape[3] for m in maps)
        if dim != self.projection.dim:
            raise UsageError(
                f"feature maps of dim {dim} do not fit a projection of dim {self.projection.dim}; "
                "fit it on embeddings of the same teachers"
            )
        parts = []
        for m in maps:
            lengths = np.linalg.norm(m.mean(axis=(1, 2)), axis=1)[:, None, None, None]
            down, across = (overlaps(self.grid, side) for side in m.shape[1:3])
            parts.append(resampled(m / np.maximum(lengths, 1e-12), down, across))
        joined = np.concatenate(parts, axis=3) - self.projection.mean.astype(np.float32)
        matrix = (self.projection.components * self.projection.scale).astype(np.float32)
        return (joined @ matrix).astype(np.float16)


def overlaps(
    outputs: int, inputs: int, *, begin: float = 0.0, length: float = 1.0
) -> NDArray[np.float32]:
    """Return how much each input cell of a line counts for each output cell.

    Both divide a line into equal cells, the inputs from 0 to 1, the outputs from `begin` on. An
    input counts as much as of the output cell lies in it, so a mean stays what it was.

    Args:
        outputs: number of output cells.
        inputs: number of input cells.
        begin: where the first output cell begins, 0 to 1.
        length: of all output cells together; they end at 1 at most.

    Returns:
        Shape (outputs, inputs), rows adding up to 1.
    """
    edges = begin + length * np.arange(outputs + 1) / outputs
    cells = np.arange(inputs + 1) / inputs
    ends = np.minimum(edges[1:, None], cells[None, 1:])
    starts = np.maximum(edges[:-1, None], cells[None, :-1])
    shared = np.maximum(ends - starts, 0)
    weights: NDArray[np.float32] = (shared / shared.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights


def resampled(
    maps: NDArray[np.float32], down: NDArray[np.float32], across: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return maps (n, h, w, d) on other grids, by matrices (h', h) and (w', w) of `overlaps`."""
    n, _, _, dim = maps.shape
    # (h', h) @ (n, h, w d), then (w', w) @ (n, h', w, d)
    rows = down @ maps.reshape(n, maps.shape[1], -1)
    result: NDArray[np.float32] = across @ rows.reshape(n, len(down), maps.shape[2], dim)
    return result
