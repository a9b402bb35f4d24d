"""Entries as rows: to and from the binary forms that PostgreSQL and pgvector exchange."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.services.entries import Entry, EntryFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

# pgvector's vector_send: its length, a zero, and big-endian numbers of single precision.
_HEAD: Final = struct.Struct(">hh")
_NUMBER: Final = np.dtype(">f4")


def row_of(entry: Entry) -> tuple[Any, ...]:
    """Return an entry in the order of `statements.COLUMNS`."""
    return (
        entry.id,
        bytes.fromhex(entry.content),
        entry.mark,
        _HEAD.pack(len(entry.vector), 0) + entry.vector.astype(_NUMBER).tobytes(),
        entry.bytes,
        entry.width,
        entry.height,
        entry.format,
        entry.taken,
        entry.camera,
        entry.lens,
        entry.latitude,
        entry.longitude,
    )


def entries_of(
    rows: Iterable[Sequence[Any]], files: Mapping[int, Sequence[EntryFile]]
) -> list[Entry]:
    """Return entries in the order of their rows, which are in binary form."""
    return [
        Entry(
            id=row[0],
            content=bytes(row[1]).hex(),
            mark=row[2],
            vector=np.frombuffer(row[3], _NUMBER, offset=_HEAD.size).astype(np.float32),
            files=tuple(files.get(row[0], ())),
            bytes=row[4],
            width=row[5],
            height=row[6],
            format=row[7],
            taken=row[8],
            camera=row[9],
            lens=row[10],
            latitude=row[11],
            longitude=row[12],
        )
        for row in rows
    ]


def vector_text(vector: NDArray[np.float32]) -> str:
    """Return a vector as pgvector reads it, exactly."""
    return f"[{','.join(map(repr, vector.tolist()))}]"
