"""Which pictures stand for their neighbourhood at each level of zooming: a quad-tree's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# At the last level the frame is divided into 2^16 cells on each side.
DEEPEST: Final = 16


def levels_of(positions: NDArray[np.float32], merit: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return for each point the coarsest level at which it stands for its cell.

    At level l the frame from -1 to 1 is divided into 2^l × 2^l cells. A cell that holds a point
    which stands for a coarser one keeps it; otherwise the point of most merit stands for it, the
    earliest of equal ones. So at every level exactly one point of each cell that is not empty has
    that level or a smaller one, and whoever zooms in loses no picture from view.

    Args:
        positions: shape (n, 2), each coordinate from -1 to 1.
        merit: shape (n,), larger is better.

    Returns:
        Shape (n,), uint8, from 0 to 16; 17 where a point never stands for a cell.
    """
    count = len(positions)
    levels = np.full(count, DEEPEST + 1, np.uint8)
    side = 2**DEEPEST
    deepest = np.clip((positions.astype(np.float64) + 1) / 2 * side, 0, side - 1).astype(np.int64)
    best_first = np.argsort(-merit, kind="stable")
    for level in range(DEEPEST + 1):
        cells = deepest >> (DEEPEST - level)
        keys = (cells[:, 0] << DEEPEST) | cells[:, 1]
        taken = np.unique(keys[levels <= level])
        open_ = best_first[levels[best_first] > level]
        open_ = open_[~np.isin(keys[open_], taken)]
        _, first = np.unique(keys[open_], return_index=True)
        levels[open_[first]] = level
    return levels
