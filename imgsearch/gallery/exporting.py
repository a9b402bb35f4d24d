"""Write a gallery's embeddings for other programs: NumPy with JSON Lines, or Parquet."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from imgsearch import paths
from imgsearch.errors import MissingExtraError, UsageError
from imgsearch.files import TEMPORARY_SUFFIX, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.records import Content

ExportFormat = Literal["npy", "parquet"]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written.

    Attributes:
        folder: where.
        embeddings: how many.
        dim: their length.
        files: what was made.
    """

    folder: Path
    embeddings: int
    dim: int
    files: tuple[Path, ...]


def export(
    embeddings: Embeddings,
    folder: Path,
    *,
    format: ExportFormat = "npy",  # noqa: A002 - the word that users type
    overwrite: bool = False,
) -> ExportReport:
    """Write the raw embeddings of a recipe, and what is known of each picture.

    "npy" gives `embeddings.npy`, float32 `(n, dim)`, and `contents.jsonl`, whose line i tells
    of row i; "parquet" gives `embeddings.parquet` with the same fields and an `embedding`
    column. Both give `verdicts.jsonl`, the pairs of contents that a person said are not the same,
    if there are any, and `recipe.json`, which is written last: an export is whole when it is there.
    Contents are ordered by hash, and contents that no file holds any more are left out.

    Args:
        embeddings: in a snapshot.
        folder: made when it is not there.
        format: "npy" or "parquet".
        overwrite: replace the files of an earlier export.

    Raises:
        UsageError: the folder has such files already, or the format is unknown.
        MissingExtraError: Parquet without the extra.
    """
    if format not in ("npy", "parquet"):
        raise UsageError(f"format: {format!r} is none of npy, parquet")
    rows = ("embeddings.npy", "contents.jsonl") if format == "npy" else ("embeddings.parquet",)
    verdicts = [json.dumps(asdict(verdict)) for verdict in embeddings.store.verdicts()]
    names = (*rows, *(["verdicts.jsonl"] * bool(verdicts)), "recipe.json")
    files = tuple(folder / name for name in names)
    for file in files:
        if file.exists() and not overwrite:
            raise UsageError(f"{file} is there already: choose another folder, or --overwrite")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: an export is a folder, and this is a file")
    if format == "parquet":
        _pyarrow()
    writer = _write_npy if format == "npy" else _write_parquet
    ids = embeddings.store.held_ids(embeddings.stored.id)
    folder.mkdir(parents=True, exist_ok=True)
    # Rows of one export must not be taken for those of another, whenever this one is killed.
    for left in (
        files[-1],
        folder / "verdicts.jsonl",
        *folder.glob(f".{files[-1].name}.*{TEMPORARY_SUFFIX}"),
    ):
        left.unlink(missing_ok=True)
    writer(embeddings, folder, ids)
    if verdicts:
        files[-2].write_text("".join(f"{line}\n" for line in verdicts), encoding="ascii")
    write_atomically(files[-1], [f"{embeddings.recipe.to_json()}\n".encode()])
    return ExportReport(folder, len(ids), embeddings.recipe.dim, files)


def _write_npy(embeddings: Embeddings, folder: Path, ids: list[int]) -> None:
    shape = (len(ids), embeddings.recipe.dim)
    target = folder / "embeddings.npy"
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    with (
        target.open("wb") as vectors,
        (folder / "contents.jsonl").open("w", encoding="ascii") as lines,
    ):
        np.lib.format.write_array_header_2_0(vectors, header)
        for block, rows, files in _blocks(embeddings, ids):
            vectors.write(rows.astype("<f4").tobytes())
            for content in block:
                lines.write(json.dumps(_record(content, files[content.id])) + "\n")


def _write_parquet(embeddings: Embeddings, folder: Path, ids: list[int]) -> None:
    pa, pq = _pyarrow()
    text, number = pa.string(), pa.float64()
    whole = pa.int64()
    schema = pa.schema(
        [
            ("content", text),
            ("paths", pa.list_(text)),
            *((name, whole) for name in ("bytes", "width", "height", "orientation")),
            *((name, text) for name in ("format", "taken", "camera", "lens")),
            ("latitude", number),
            ("longitude", number),
            ("embedding", pa.list_(pa.float32(), embeddings.recipe.dim)),
        ]
    )
    with pq.ParquetWriter(folder / "embeddings.parquet", schema) as writer:
        for block, rows, files in _blocks(embeddings, ids):
            records = [_record(content, files[content.id], text_only=True) for content in block]
            for record, row in zip(records, rows, strict=True):
                record["embedding"] = row
            writer.write_table(pa.Table.from_pylist(records, schema=schema))


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError(
            "Parquet needs a package that is not installed: pip install pyarrow"
        ) from error
    return pa, pq


def _blocks(
    embeddings: Embeddings, ids: list[int]
) -> Iterator[tuple[list[Content], NDArray[np.float32], dict[int, list[bytes]]]]:
    """Yield contents, their embeddings (n, dim), and by their ids the paths of their files."""
    store = embeddings.store
    roots = store.root_names()
    for start in range(0, len(ids), 512):
        part = ids[start : start + 512]
        contents = store.contents(part)
        rows: dict[int, NDArray[np.float32]] = {}
        for found, vectors in embeddings.blocks(part):
            rows.update(zip(found.tolist(), vectors, strict=True))
        files = {
            content_id: sorted(paths.joined(roots[root_id], path) for root_id, path in held)
            for content_id, held in store.files_of_contents(part).items()
        }
        yield [contents[key] for key in part], np.stack([rows[key] for key in part]), files


def _record(content: Content, held: list[bytes], *, text_only: bool = False) -> dict[str, Any]:
    record: dict[str, Any] = {"content": content.hash, "bytes": content.bytes}
    record |= asdict(content.metadata)
    if text_only:
        record["paths"] = [path.decode("utf-8", errors="backslashreplace") for path in held]
        return record
    record["paths"] = [os.fsdecode(path) for path in held]
    if any("\udc80" <= character <= "\udcff" for path in record["paths"] for character in path):
        record["paths_base64"] = [base64.b64encode(path).decode("ascii") for path in held]
    return record
