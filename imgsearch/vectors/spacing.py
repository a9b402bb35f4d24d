"""How far points lie from their neighbours, by Euclidean distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imgsearch.vectors.faiss_library import faiss

if TYPE_CHECKING:
    from numpy.typing import NDArray


def distance_to_neighbour(points: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """Return the distance of each point to its k-th nearest other.

    Args:
        points: shape (n, dim), finite, n > k.
        k: from 1 up.

    Returns:
        Shape (n,), float32.
    """
    rows = np.ascontiguousarray(points, dtype=np.float32)
    squared, _ = faiss.knn(rows, rows, k + 1)  # the point itself among them
    distances: NDArray[np.float32] = np.sqrt(np.maximum(squared[:, -1], 0))
    return distances
