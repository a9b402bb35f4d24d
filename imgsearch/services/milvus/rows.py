"""Rows of a Milvus collection, made of entries and long texts, and what they are made again of.

row        the key: ID.VERSION of an entry, head.VERSION of a head, KEY.PART where a text goes on,
           and "clock"
since      the version that put it, or `HIDDEN`, which no search sees
mark       the entry's; of a hidden row, the version that put it
about      JSON of what the other columns do not give back exactly; `parts` rows go on with it
others     what is searched and filtered by; see `expressions.py`
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.services.entries import Entry, EntryFile
from imgsearch.services.milvus.expressions import NOWHERE, folder_hashes, kept_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

HIDDEN: Final = 2**62
# What an entry is made of again.
ENTRY_FIELDS: Final = ("row", "id", "since", "mark", "vector", "about", "parts")
_PART: Final = 60_000  # bytes of a text in one row, of 65,535
LEAST_DIM: Final = 2  # Milvus's own
_ABOUT: Final = (
    "content", "bytes", "width", "height", "format", "taken", "camera", "lens", "latitude",
    "longitude",
)  # fmt: skip


def padded(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a vector of the length that Milvus takes."""
    return np.pad(vector, (0, max(0, LEAST_DIM - len(vector))))


def entry_key(identifier: int, version: int) -> str:
    """Return the key of an entry's row."""
    return f"{identifier}.{version}"


def head_key(version: int) -> str:
    """Return the key of a head's row."""
    return f"head.{version}"


def rows_of(entry: Entry, version: int) -> list[dict[str, Any]]:
    """Return the row of an entry, behind those that its text goes on in."""
    values = {name: getattr(entry, name) for name in _ABOUT}
    values["files"] = [[file.root, b64encode(file.path).decode()] for file in entry.files]
    row = {
        "id": entry.id,
        "since": version,
        "mark": entry.mark,
        "vector": padded(entry.vector),
        "width": entry.width,
        "height": entry.height,
        "latitude": NOWHERE if entry.latitude is None else entry.latitude,
        "longitude": NOWHERE if entry.longitude is None else entry.longitude,
        "content": entry.content,
        "format": kept_name(entry.format),
        "taken": kept_name(entry.taken),
        "camera": kept_name(entry.camera),
        "lens": kept_name(entry.lens),
        "folders": folder_hashes(entry.files),
    }
    return _with_text(row, entry_key(entry.id, version), json.dumps(values), version)


def head_rows(text: str, version: int, dim: int) -> list[dict[str, Any]]:
    """Return the head row of a version, behind those that its text goes on in."""
    return _with_text(_hidden(0, version, dim), head_key(version), text, version)


def clock_row(dim: int) -> dict[str, Any]:
    """Return a row that nobody looks for: only one that is put tells a writer the server's time."""
    return {**_hidden(0, 0, dim), "row": "clock", "about": ""}


def part_keys(key: str, parts: int) -> list[str]:
    """Return the keys of the rows that a row's text goes on in."""
    return [f"{key}.{part}" for part in range(parts)]


def entry_of(row: Mapping[str, Any], text: str, dim: int) -> Entry:
    """Return the entry of a row with `ENTRY_FIELDS`.

    Args:
        row: as it came.
        text: its whole text.
        dim: length of a vector.
    """
    values = json.loads(text)
    files = tuple(EntryFile(root, b64decode(path)) for root, path in values.pop("files"))
    return Entry(
        id=row["id"],
        mark=row["mark"],
        vector=np.array(row["vector"], dtype=np.float32)[:dim],
        files=files,
        **values,
    )


def _with_text(row: dict[str, Any], key: str, text: str, version: int) -> list[dict[str, Any]]:
    first, *others = [text[start : start + _PART] for start in range(0, len(text), _PART)]
    keys = part_keys(key, len(others))
    hidden = _hidden(row["id"], version, len(row["vector"]))
    return [
        *({**hidden, "row": its, "about": part} for its, part in zip(keys, others, strict=True)),
        {**row, "row": key, "about": first, "parts": len(others)},
    ]


def _hidden(identifier: int, version: int, dim: int) -> dict[str, Any]:
    """Return a row that no search sees, without its key and its text."""
    return {
        "id": identifier,
        "since": HIDDEN,
        "mark": version,
        "vector": padded(np.zeros(dim, np.float32)),
        "parts": 0,
        "width": 0,
        "height": 0,
        "latitude": NOWHERE,
        "longitude": NOWHERE,
        "content": "",
        "format": "",
        "taken": "",
        "camera": "",
        "lens": "",
        "folders": [],
    }
