"""The vectors that lie beside inverted lists, by position, with which candidates are scored again.

Whole rows are the vectors as they were added, float32, each with a checksum: scores of an answer
are computed from them, and a row that does not fit its checksum is as if it were not there. Half
rows are what the lists' codes were made of, as float16; they only put candidates in order.

The rows may be mapped from a file unread. Nothing that stands in them can do more harm than cost a
candidate.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from imgsearch.vectors.faiss_library import faiss, threads_for

if TYPE_CHECKING:
    from numpy.typing import NDArray


_MASK: Final = 0xFFFFFFFF


class KeptRows(Protocol):
    """Vectors by position."""

    def __len__(self) -> int:
        """Return how many there are."""

    def scores(
        self,
        queries: NDArray[np.float32],
        transformed: NDArray[np.float32],
        positions: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Return inner products (q, w), float32; -inf at position -1.

        Args:
            queries: shape (q, dim), as they were asked.
            transformed: shape (q, width), as the lists see them.
            positions: shape (q, w), each -1 or below the length.
        """


class HalfRows:
    """Vectors behind the index's transform, as float16: a `KeptRows`.

    Attributes:
        values: shape (n, width).
    """

    def __init__(self, values: NDArray[np.float16]) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def scores(
        self,
        queries: NDArray[np.float32],  # noqa: ARG002  # these rows lie behind the transform
        transformed: NDArray[np.float32],
        positions: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Return inner products (q, w), float32; -inf at position -1."""
        scores = np.full(positions.shape, -np.inf, dtype=np.float32)
        # Damaged numbers may be infinite or none.
        with np.errstate(invalid="ignore", over="ignore"):
            for line, (row, some) in enumerate(zip(transformed, positions, strict=True)):
                right = some >= 0
                scores[line, right] = self.values[some[right]].astype(np.float32) @ row
        return scores


class WholeRows:
    """Vectors as they were added, each with its checksum: a `KeptRows`.

    Attributes:
        values: shape (n, dim), float32.
        checksums: shape (n,), uint32.
    """

    def __init__(self, values: NDArray[np.float32], checksums: NDArray[np.uint32]) -> None:
        self.values = values
        self.checksums = checksums

    @classmethod
    def of(cls, values: NDArray[np.float32]) -> WholeRows:
        """Return rows (n, dim) with their checksums."""
        checksums = np.fromiter(map(checksum_of, values, range(len(values))), np.uint32)
        return cls(values, checksums)

    def __len__(self) -> int:
        return len(self.values)

    def scores(
        self,
        queries: NDArray[np.float32],
        transformed: NDArray[np.float32],  # noqa: ARG002  # these rows lie before the transform
        positions: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Return inner products (q, w), float32; -inf at position -1."""
        scores = np.empty(positions.shape, dtype=np.float32)
        places = np.ascontiguousarray(positions, dtype=np.int64)
        if scores.size:
            with threads_for(len(queries)):
                faiss.fvec_inner_products_by_idx(
                    faiss.swig_ptr(scores),
                    faiss.swig_ptr(queries),
                    faiss.swig_ptr(self.values),
                    faiss.swig_ptr(places),
                    queries.shape[1],
                    *positions.shape,
                )
        return scores

    def read(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return which rows (m,) at positions (m,) fit their checksums, and these (w, dim)."""
        rows = self.values[positions]
        data, width = rows.reshape(-1).view(np.uint8).data, rows.shape[1] * rows.itemsize
        sums = self.checksums[positions].tolist()
        whole = np.array(
            [
                zlib.crc32(data[width * line : width * (line + 1)], position & _MASK) == checksum
                for line, (position, checksum) in enumerate(
                    zip(positions.tolist(), sums, strict=True)
                )
            ],
            np.bool_,
        )
        return whole, rows if whole.all() else rows[whole]


def checksum_of(row: NDArray[np.float32], position: int) -> int:
    """Return CRC-32 of a row and of its place, so that a row that was moved does not fit."""
    return zlib.crc32(row.data, position & _MASK)
