"""Tables in Parquet, of embeddings and of what they belong to. Owner of pyarrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import MissingExtraError, UsageError
from imgsearch.exchange.layouts import NUMBER_COLUMNS, ROOTS, TEXT_COLUMNS, WHOLE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

BLOCK: Final = 512


def pyarrow() -> tuple[Any, Any]:
    """Return pyarrow and its module for Parquet.

    Raises:
        MissingExtraError: the extra is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError(
            "Parquet needs a package that is not installed: pip install pyarrow"
        ) from error
    return pa, pq


class TableWriter:
    """Writes one row for each content."""

    def __init__(self, file: Path, *, dim: int | None) -> None:
        """Begin a table.

        Args:
            file: replaced when it is there.
            dim: of the embeddings; None for a table without them.
        """
        self._pa, pq = pyarrow()
        pa = self._pa
        columns = [
            ("content", pa.string()),
            ("image_path", pa.string()),
            ("paths", pa.list_(pa.string())),
            ("paths_base64", pa.list_(pa.string())),
            (ROOTS, pa.list_(pa.string())),
            (f"{ROOTS}_base64", pa.list_(pa.string())),
            *((name, pa.int64()) for name in WHOLE_COLUMNS),
            *((name, pa.string()) for name in TEXT_COLUMNS),
            *((name, pa.float64()) for name in NUMBER_COLUMNS),
        ]
        if dim is not None:
            columns.append(("embedding", pa.list_(pa.float32(), dim)))
        self._schema = pa.schema(columns)
        self._with_embeddings = dim is not None
        self._writer = pq.ParquetWriter(file, self._schema)

    def write(self, records: Sequence[dict[str, Any]], rows: NDArray[np.float32]) -> None:
        """Write contents, and their embeddings `(n, dim)` if the table has such a column."""
        for record, row in zip(records, rows, strict=True):
            if self._with_embeddings:
                record["embedding"] = row
        self._writer.write_table(self._pa.Table.from_pylist(records, schema=self._schema))

    def close(self) -> None:
        """Write what ends the file."""
        self._writer.close()


class Table:
    """A table that is read block by block."""

    def __init__(self, file: Path) -> None:
        """Open it.

        Raises:
            UsageError: it is no Parquet, or cut.
            MissingExtraError: the extra is not installed.
        """
        pa, pq = pyarrow()
        self._faults = (pa.ArrowException, OSError, ValueError)
        self._path = file
        try:
            self._file = pq.ParquetFile(file)
        except self._faults as error:
            raise UsageError(f"{file}: can't be read as Parquet ({error})") from error
        self.columns: tuple[str, ...] = tuple(self._file.schema_arrow.names)
        self.rows: int = self._file.metadata.num_rows

    def records(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield the rows, of these columns alone, as Python's own types."""
        for batch in self._batches(columns):
            yield from batch.to_pylist()

    def vectors(self, column: str) -> Iterator[NDArray[np.generic]]:
        """Yield the rows of a column of lists of numbers, as blocks `(m, dim)`.

        Raises:
            UsageError: its rows are not lists of numbers of one length.
        """
        for batch in self._batches([column]):
            try:
                yield np.stack([np.asarray(row) for row in batch.column(0).to_numpy(False)])
            except (ValueError, TypeError) as error:
                raise UsageError(
                    f"{self._path}: column {column!r} does not hold lists of numbers of one length"
                ) from error

    def _batches(self, columns: Sequence[str]) -> Iterator[Any]:
        try:
            yield from self._file.iter_batches(batch_size=BLOCK, columns=list(columns))
        except self._faults as error:
            raise UsageError(f"{self._path}: can't be read to its end ({error})") from error
