"""Write a gallery's embeddings for other programs, in one of the layouts."""

from __future__ import annotations

import base64
import json
import os
import re
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch import paths
from imgsearch.errors import UsageError
from imgsearch.exchange.layouts import FILES, LAYOUTS, RECIPE, ROOTS, VERDICTS, Layout
from imgsearch.exchange.parquet import TableWriter, pyarrow
from imgsearch.files import TEMPORARY_SUFFIX, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.records import Content

BLOCK: Final = 512

# Bytes that are not UTF-8, as PEP 383 has them in a text.
_UNDECODED: Final = re.compile("[\udc80-\udcff]")

_Held = tuple[bytes, bytes]  # absolute path of a file and of its root, in stored form


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
    embeddings: Embeddings, folder: Path, *, layout: Layout = "npy", overwrite: bool = False
) -> ExportReport:
    """Write the raw embeddings of a recipe, and what is known of each picture.

    "npy" gives `embeddings.npy`, float32 `(n, dim)`, and `contents.jsonl`, whose line i tells
    of row i; "parquet" gives `embeddings.parquet` with the same fields and an `embedding`
    column; "clip-retrieval" gives `img_emb/img_emb_0.npy` and `metadata/metadata_0.parquet`, whose
    column `image_path` names one file of each content. All give `verdicts.jsonl`, the pairs of
    contents that a person said are not the same, if there are any, and `recipe.json`, which is
    written last: an export is whole when it is there.
    Contents are ordered by hash, and contents that no file holds any more are left out.

    Args:
        embeddings: in a snapshot.
        folder: made when it is not there.
        layout: "npy", "parquet" or "clip-retrieval".
        overwrite: replace the files of an earlier export.

    Raises:
        UsageError: the folder has such files already, or the layout is unknown.
        MissingExtraError: a table in Parquet without the extra.
    """
    if layout not in LAYOUTS:
        raise UsageError(f"layout: {layout!r} is none of {', '.join(LAYOUTS)}")
    verdicts = [json.dumps(asdict(verdict)) for verdict in embeddings.store.verdicts()]
    names = (*dict.fromkeys(FILES[layout]), *([VERDICTS] * bool(verdicts)), RECIPE)
    files = tuple(folder / name for name in names)
    for file in files:
        if file.exists() and not overwrite:
            raise UsageError(f"{file} is there already: choose another folder, or --overwrite")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: an export is a folder, and this is a file")
    if layout != "npy":
        pyarrow()
    ids = embeddings.store.held_ids(embeddings.stored.id)
    folder.mkdir(parents=True, exist_ok=True)
    # Rows of one export must not be taken for those of another, whenever this one is killed.
    for left in (
        folder / RECIPE,
        folder / VERDICTS,
        *folder.glob(f".{RECIPE}.*{TEMPORARY_SUFFIX}"),
    ):
        left.unlink(missing_ok=True)
    _WRITERS[layout](embeddings, folder, ids)
    if verdicts:
        lines = "".join(f"{line}\n" for line in verdicts)
        (folder / VERDICTS).write_text(lines, encoding="ascii")
    write_atomically(folder / RECIPE, [f"{embeddings.recipe.to_json()}\n".encode()])
    return ExportReport(folder, len(ids), embeddings.recipe.dim, files)


def _write_npy(embeddings: Embeddings, folder: Path, ids: list[int]) -> None:
    array, listing = (folder / name for name in FILES["npy"])
    with array.open("wb") as vectors, listing.open("w", encoding="ascii") as lines:
        _write_header(vectors, embeddings, ids)
        for block, rows, files in _blocks(embeddings, ids):
            vectors.write(rows.astype("<f4").tobytes())
            for content in block:
                lines.write(json.dumps(_record(content, files[content.id])) + "\n")


def _write_parquet(embeddings: Embeddings, folder: Path, ids: list[int]) -> None:
    file = folder / FILES["parquet"][0]
    with closing(TableWriter(file, dim=embeddings.recipe.dim)) as table:
        for block, rows, files in _blocks(embeddings, ids):
            table.write([_in_table(content, files[content.id]) for content in block], rows)


def _write_clip_retrieval(embeddings: Embeddings, folder: Path, ids: list[int]) -> None:
    array, listing = (folder / name for name in FILES["clip-retrieval"])
    for file in (array, listing):
        file.parent.mkdir(exist_ok=True)
    with array.open("wb") as vectors, closing(TableWriter(listing, dim=None)) as table:
        _write_header(vectors, embeddings, ids)
        for block, rows, files in _blocks(embeddings, ids):
            vectors.write(rows.astype("<f4").tobytes())
            table.write([_in_table(content, files[content.id]) for content in block], rows)


_WRITERS: Final = {
    "npy": _write_npy,
    "parquet": _write_parquet,
    "clip-retrieval": _write_clip_retrieval,
}


def _write_header(file: BinaryIO, embeddings: Embeddings, ids: list[int]) -> None:
    shape = (len(ids), embeddings.recipe.dim)
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(file, header)


def _blocks(
    embeddings: Embeddings, ids: list[int]
) -> Iterator[tuple[list[Content], NDArray[np.float32], dict[int, list[_Held]]]]:
    """Yield contents, their embeddings (n, dim), and by their ids the files that hold them."""
    store = embeddings.store
    roots = store.root_names()
    for start in range(0, len(ids), BLOCK):
        part = ids[start : start + BLOCK]
        contents = store.contents(part)
        rows: dict[int, NDArray[np.float32]] = {}
        for found, vectors in embeddings.blocks(part):
            rows.update(zip(found.tolist(), vectors, strict=True))
        files = {
            content_id: sorted(
                (paths.joined(roots[root_id], path), roots[root_id]) for root_id, path in held
            )
            for content_id, held in store.files_of_contents(part).items()
        }
        yield [contents[key] for key in part], np.stack([rows[key] for key in part]), files


def _record(content: Content, held: list[_Held]) -> dict[str, Any]:
    record: dict[str, Any] = {"content": content.hash, "bytes": content.bytes}
    # Flat, so that there is nothing for `asdict` to copy, which takes half of an export.
    facts = content.metadata
    record |= {each.name: getattr(facts, each.name) for each in fields(facts)}
    for name, names in zip(("paths", ROOTS), zip(*held, strict=True), strict=True):
        record[name] = [os.fsdecode(path) for path in names]
        if any(map(_UNDECODED.search, record[name])):
            record[f"{name}_base64"] = [base64.b64encode(path).decode("ascii") for path in names]
    return record


def _in_table(content: Content, held: list[_Held]) -> dict[str, Any]:
    """Return a record whose texts are UTF-8, as a table's have to be."""
    record = _record(content, held)
    for name, names in zip(("paths", ROOTS), zip(*held, strict=True), strict=True):
        record[name] = [path.decode("utf-8", errors="backslashreplace") for path in names]
    record["image_path"] = record["paths"][0]
    return record
