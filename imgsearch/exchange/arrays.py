"""Embeddings as they lie in files: NumPy's arrays, and columns of Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.exchange.layouts import EMBEDDING_COLUMNS
from imgsearch.exchange.parquet import BLOCK, Table
from imgsearch.recipe import LARGEST_DIM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_MATRIX: Final = 2
# Rows that are as near to unit length as float32 can tell stay bit for bit as they are.
_UNIT: Final = 1e-6


class EmbeddingArray:
    """A file of embeddings.

    Attributes:
        path: the file.
        rows: how many it has.
        dim: their length.
    """

    def __init__(self, path: Path) -> None:
        """Open it; nothing but its head is read.

        Raises:
            UsageError: it holds no matrix of numbers.
            MissingExtraError: Parquet without the extra.
        """
        self.path = path
        self._table: Table | None = None
        self._matrix: NDArray[np.generic] | None = None
        if path.suffix == ".parquet":
            self._table = Table(path)
            self._column = next(
                (name for name in EMBEDDING_COLUMNS if name in self._table.columns), ""
            )
            if not self._column:
                raise UsageError(
                    f"{path}: no column of embeddings among {', '.join(self._table.columns)}; "
                    f"expected one of {', '.join(EMBEDDING_COLUMNS)}"
                )
            self.rows = self._table.rows
            self.dim = next((len(row) for row in self._first()), 0)
            return
        try:
            matrix = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise UsageError(f"{path}: can't be read as a NumPy array ({error})") from error
        if not isinstance(matrix, np.ndarray) or matrix.ndim != _MATRIX or matrix.dtype.kind != "f":
            raise UsageError(
                f"{path}: expected an array of floating-point numbers of shape (n, dim)"
            )
        self.rows, self.dim = matrix.shape
        self._matrix = matrix
        if not 1 <= self.dim <= LARGEST_DIM:
            raise UsageError(f"{path}: embeddings of dim {self.dim}, expected 1 to {LARGEST_DIM}")

    def _first(self) -> NDArray[np.generic]:
        assert self._table is not None  # noqa: S101  # asked of tables alone
        return next(self._table.vectors(self._column), np.zeros((0, 0)))

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Yield the rows in blocks `(m, dim)`, float32, of unit length or zero.

        Raises:
            UsageError: a row that is no finite vector of this dim, with its number.
        """
        done = 0
        for block in self._blocks():
            if block.ndim != _MATRIX or block.shape[1] != self.dim or block.dtype.kind != "f":
                raise UsageError(
                    f"{self.path}: rows from {done + 1} on are not {self.dim} floating-point "
                    "numbers each"
                )
            yield self._unit(block.astype(np.float64), block, done)
            done += len(block)

    def _blocks(self) -> Iterator[NDArray[np.generic]]:
        if self._table is not None:
            yield from self._table.vectors(self._column)
        elif self._matrix is not None:
            for start in range(0, self.rows, BLOCK):
                yield self._matrix[start : start + BLOCK]

    def _unit(
        self, exact: NDArray[np.float64], block: NDArray[np.generic], done: int
    ) -> NDArray[np.float32]:
        lengths = np.linalg.norm(exact, axis=1)
        if not np.isfinite(lengths).all():
            wrong = done + 1 + int(np.flatnonzero(~np.isfinite(lengths))[0])
            raise UsageError(f"{self.path}: row {wrong} has a number that is not finite")
        rows = np.array(block, dtype=np.float32)
        other = (np.abs(lengths - 1) > _UNIT) & (lengths > 0)
        rows[other] = exact[other] / lengths[other, None]
        return rows
