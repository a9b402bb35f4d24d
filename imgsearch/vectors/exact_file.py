"""The cache file of an exact index.

The index is a cache: whatever it holds can be made again from the gallery's database, so a file
that is damaged in any way is refused as a whole and built anew. FAISS reads a file with flipped
bits without complaint, and its guards against absurd lengths are process-wide settings; so FAISS
never parses a file here. The file is this module's own, checked as a whole before any of it is
believed, and FAISS receives finished arrays.

The file, all numbers little-endian::

    offset  bytes   what
    0       8       magic: 89 "ISIX" 0D 0A 1A (a text-mode copy or a cut breaks it visibly)
    8       4       format version, unsigned
    12      4       length of the header
    16      8       length of the extra bytes
    24      8       length of the vectors' part
    32      …       header: the fields of IndexHeader as one JSON object, UTF-8, then spaces so
                    that the vectors' part begins at a multiple of 8
            …       extra: bytes of the caller's own (the projection)
            …       vectors' part: count ids as int64, then count × dim float32, row by row
            32      SHA-256 of everything before it
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import DamagedCacheError, UsageError
from imgsearch.files import write_atomically
from imgsearch.vectors.exact import ExactIndex

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MAGIC: Final = b"\x89ISIX\r\n\x1a"
FORMAT_VERSION: Final = 1

_LENGTHS: Final = struct.Struct("<8sIIQQ")
_DIGEST_BYTES: Final = 32
_ALIGNMENT: Final = 8
_ID: Final = np.dtype("<i8")
_FLOAT: Final = np.dtype("<f4")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexHeader:
    """What a cache file says about itself; a file that says otherwise than wanted is stale.

    Attributes:
        recipe: identifier of the recipe of the embeddings.
        projection: version of the projection that they went through, or "none".
        generation: the database's generation that the file reflects.
        dim: length of a vector as it is searched.
        count: how many vectors there are.
        base: name and checksum of an approximate index that this one goes on from; "" when this
            one is all there is, and then the file does not mention it.
    """

    recipe: str
    projection: str
    generation: int
    dim: int
    count: int
    base: str = ""


def save(path: Path, index: ExactIndex, header: IndexHeader, *, extra: bytes = b"") -> None:
    """Write an index into one file, so that a reader sees the old file or the new one.

    Args:
        path: the file; one that is there is replaced.
        index: what to write.
        header: what the file says about itself; its dim and count must be the index's.
        extra: bytes that travel with the index, under the same checksum.

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
    said = {name: value for name, value in asdict(header).items() if name != "base" or value}
    described = json.dumps(said, sort_keys=True).encode()
    described += b" " * (-(_LENGTHS.size + len(described) + len(extra)) % _ALIGNMENT)
    ids = np.ascontiguousarray(index.ids, dtype=_ID)
    matrix = np.ascontiguousarray(index.matrix(), dtype=_FLOAT)
    lengths = _LENGTHS.pack(
        MAGIC, FORMAT_VERSION, len(described), len(extra), ids.nbytes + matrix.nbytes
    )
    parts: list[memoryview] = [
        memoryview(part) for part in (lengths, described, extra, ids.data, matrix.data)
    ]
    write_atomically(path, _with_digest([part.cast("B") for part in parts if part.nbytes]))


def load(path: Path) -> tuple[ExactIndex, IndexHeader, bytes]:
    """Read the index, its header and its extra bytes from a file that `save` wrote.

    Args:
        path: the file.

    Raises:
        DamagedCacheError: any bit differs from what was written, the file is cut short or
            extended, is not imgsearch's, or was written by a newer version.
        OSError: the file is not there or cannot be read.
    """
    data = path.read_bytes()
    try:
        header, extra, ids, vectors = _parse(memoryview(data))
        index = ExactIndex.build(ids, vectors)
    except (ValueError, TypeError, UsageError) as error:
        raise DamagedCacheError(f"{path}: {error}; delete it, it will be built again") from error
    return index, header, extra


def _parse(
    data: memoryview,
) -> tuple[IndexHeader, bytes, NDArray[np.int64], NDArray[np.float32]]:
    """Take a file apart; any ValueError or TypeError means damage."""
    if len(data) < _LENGTHS.size + _DIGEST_BYTES:
        raise ValueError(f"{len(data)} bytes are too few for an index; it was cut short")
    magic, version, header_length, extra_length, vectors_length = _LENGTHS.unpack_from(data)
    if magic != MAGIC:
        raise ValueError("it does not begin as an imgsearch index does")
    if version != FORMAT_VERSION:
        raise ValueError(
            f"it has format version {version} where this imgsearch reads {FORMAT_VERSION}; a "
            "newer imgsearch wrote it, or it is damaged"
        )
    body, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise ValueError("its checksum does not fit; it was changed or cut short after writing")
    header_end = _LENGTHS.size + header_length
    extra_end = header_end + extra_length
    if extra_end + vectors_length != len(body):
        raise ValueError("its lengths do not add up")
    header = _parse_header(bytes(body[_LENGTHS.size : header_end]))
    if vectors_length != header.count * (_ID.itemsize + header.dim * _FLOAT.itemsize):
        raise ValueError(f"its vectors are not the {header.count} x {header.dim} of its header")
    ids_end = extra_end + header.count * _ID.itemsize
    # (count,) and (count, dim)
    ids = np.frombuffer(body[extra_end:ids_end], dtype=_ID).astype(np.int64)
    vectors = np.frombuffer(body[ids_end:], dtype=_FLOAT).reshape(header.count, header.dim)
    return header, bytes(body[header_end:extra_end]), ids, vectors


def _parse_header(described: bytes) -> IndexHeader:
    values = json.loads(described)
    if not isinstance(values, dict):
        raise TypeError("its header is not a JSON object")
    header = IndexHeader(**values)
    expected = {
        "recipe": str,
        "projection": str,
        "generation": int,
        "dim": int,
        "count": int,
        "base": str,
    }
    for field in fields(header):
        value = getattr(header, field.name)
        if type(value) is not expected[field.name]:
            raise TypeError(f"its header's {field.name} is {value!r}")
    if header.count < 0:
        raise ValueError(f"its header claims {header.count} vectors")
    return header


def _with_digest(parts: Sequence[memoryview]) -> Iterator[memoryview | bytes]:
    """Yield the parts, then their SHA-256."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
        yield part
    yield digest.digest()
