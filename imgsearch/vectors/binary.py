"""Binary codes that are near each other: FAISS's Hamming distances, in blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.vectors.faiss_library import faiss

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Queries at a time: what is found of them is held at once.
BLOCK: Final = 4096


def within(queries: NDArray[np.uint8], codes: NDArray[np.uint8], most: int) -> NDArray[np.int64]:
    """Return the pairs of queries and codes that differ in few bits.

    Args:
        queries: shape (q, b), bits packed into bytes.
        codes: shape (n, b).
        most: bits that may differ.

    Returns:
        Rows of queries and of codes, (pairs, 2), ordered.
    """
    found = [np.empty((0, 2), np.int64)]
    if len(codes) and len(queries):
        index = faiss.IndexBinaryFlat(8 * codes.shape[1])
        index.add(np.ascontiguousarray(codes))
        for start in range(0, len(queries), BLOCK):
            block = np.ascontiguousarray(queries[start : start + BLOCK])
            limits, _, places = index.range_search(block, most + 1)
            rows = np.repeat(np.arange(len(block)) + start, np.diff(limits.astype(np.int64)))
            found.append(np.stack([rows, places.astype(np.int64)], axis=1))
    pairs = np.concatenate(found)
    return pairs[np.lexsort(pairs.T[::-1])]
