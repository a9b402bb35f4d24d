"""The cache file of an index: the vectors that it holds exactly, and what goes with them.

The index is a cache: whatever it holds can be made again from the gallery's database, so a file
that is damaged in any way is refused as a whole and built anew. FAISS reads a file with flipped
bits without complaint, and its guards against absurd lengths are process-wide settings; so FAISS
never parses a file here. It receives finished arrays.

The file is a checked file (`imgsearch.checked_file`), all of it verified at every opening::

    offset  bytes   what
    0       8       magic: 89 "ISIX" 0D 0A 1A
    8       4       format version, unsigned
    12      4       length of the header
    16      8       length of the extra bytes
    24      8       length of the vectors' part
    32      …       header: the fields of IndexHeader as one JSON object, UTF-8, then spaces so
                    that the vectors' part begins at a multiple of 8
            …       extra: bytes of the caller's own (`imgsearch.vectors.index_cache`)
            …       vectors' part: count ids as int64, then count × dim float32, row by row
            32      SHA-256 of everything before it
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import checked_file
from imgsearch.errors import UsageError
from imgsearch.vectors.exact import ExactIndex
from imgsearch.vectors.index_header import FORMAT, IndexHeader

if TYPE_CHECKING:
    from pathlib import Path

_ALIGNMENT: Final = 8
_ID: Final = np.dtype("<i8")
_FLOAT: Final = np.dtype("<f4")


def save(path: Path, index: ExactIndex, header: IndexHeader, *, extra: bytes = b"") -> None:
    """Write vectors into one file, so that a reader sees the old file or the new one.

    Args:
        path: the file; one that is there is replaced.
        index: the vectors.
        header: its dim and count must be the index's.
        extra: bytes that travel with the vectors, under the same checksum.

    Raises:
        UsageError: the header's dim or count is not the index's.
        OSError: the file could not be written; the old file, if any, is untouched and no
            temporary file is left.
    """
    if (header.dim, header.count) != (index.dim, len(index)):
        raise UsageError(
            f"a header of {header.count} x {header.dim} does not describe an index of "
            f"{len(index)} x {index.dim}"
        )
    optional = ("base", "kind", "gallery", "contents")
    said = {name: value for name, value in asdict(header).items() if name not in optional or value}
    described = json.dumps(said, sort_keys=True).encode()
    described += b" " * (-(FORMAT.start.size + len(described) + len(extra)) % _ALIGNMENT)
    arrays = (
        np.ascontiguousarray(index.ids, dtype=_ID).reshape(-1).view(np.uint8),
        np.ascontiguousarray(index.matrix(), dtype=_FLOAT).reshape(-1).view(np.uint8),
    )
    checked_file.write(
        path,
        FORMAT,
        described,
        [extra, *(array.data for array in arrays)],
        lengths=(len(extra), sum(array.nbytes for array in arrays)),
    )


def load(path: Path) -> tuple[ExactIndex, IndexHeader, bytes]:
    """Read the vectors, their header and the extra bytes from a file that `save` wrote.

    Raises:
        DamagedCacheError: any bit differs from what was written, the file is cut short or
            extended, is not imgsearch's, or was written by a newer version.
        OSError: the file is not there or cannot be read.
    """
    data = path.read_bytes()
    with checked_file.damage_named(path, FORMAT):
        content = checked_file.parse(data, FORMAT)
        extra_length, vectors_length = content.lengths
        if extra_length + vectors_length != len(content.payload):
            raise ValueError("its lengths do not add up")
        header = checked_file.record_of(IndexHeader, content.header)
        if header.count < 0:
            raise ValueError(f"its header claims {header.count} vectors")
        if vectors_length != header.count * (_ID.itemsize + header.dim * _FLOAT.itemsize):
            raise ValueError(f"its vectors are not the {header.count} x {header.dim} of its header")
        ids_end = extra_length + header.count * _ID.itemsize
        # (count,) and (count, dim)
        ids = np.frombuffer(content.payload[extra_length:ids_end], dtype=_ID).astype(np.int64)
        vectors = np.frombuffer(content.payload[ids_end:], dtype=_FLOAT)
        index = ExactIndex.build(ids, vectors.reshape(header.count, header.dim))
    return index, header, bytes(content.payload[:extra_length])
