"""Exact search over vectors, and the cache file that holds them. The only module with FAISS.

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
import warnings
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.atomic_file import write_atomically
from imgsearch.errors import DamagedCacheError, UsageError

with warnings.catch_warnings():
    # The SWIG of older FAISS builds creates types without a module, which Python 3.12 deplores.
    warnings.filterwarnings(
        "ignore", message="builtin type .* has no __module__ attribute", category=DeprecationWarning
    )
    import faiss as typed_faiss

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

# FAISS's own stub does not know the signatures that its Python wrapper adds.
faiss: Any = typed_faiss

MAGIC: Final = b"\x89ISIX\r\n\x1a"
FORMAT_VERSION: Final = 1
MOST_DIM: Final = 1 << 20

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


class ExactIndex:
    """Exact inner-product search over rows that are known by an id.

    With unit rows the inner product is the cosine similarity. Ids are 0 or above and unique.
    Searching from several threads at once is safe, changing the index meanwhile is not.

    FAISS holds the vectors by position and NumPy maps positions to ids: against FAISS's own
    `IndexIDMap2` this opens 100,000 vectors in half the time, and a filter is a bitmap of one bit
    per vector whatever the ids are.
    """

    def __init__(self, dim: int) -> None:
        if not 1 <= dim <= MOST_DIM:
            raise UsageError(f"dim: {dim} is not a vector's length from 1 to {MOST_DIM}")
        self._flat: Any = faiss.IndexFlatIP(dim)
        self._ids: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    @classmethod
    def build(cls, ids: ArrayLike, vectors: NDArray[np.floating[Any]]) -> ExactIndex:
        """Return an index over these vectors.

        Args:
            ids: shape (n,), integers from 0 up, each once.
            vectors: shape (n, dim), finite; kept as float32. n = 0 is allowed.

        Raises:
            UsageError: shapes do not fit, an id is negative or repeated, or a value is not finite.
        """
        if vectors.ndim != 2:  # noqa: PLR2004  # rows and columns
            raise UsageError(f"vectors of shape {vectors.shape} are not rows (n, dim)")
        index = cls(vectors.shape[1])
        index.add(ids, vectors)
        return index

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._flat.d)

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids in the order in which they were added, shape (n,), int64, read-only."""
        view = self._ids.view()
        view.flags.writeable = False
        return view

    def add(self, ids: ArrayLike, vectors: NDArray[np.floating[Any]]) -> None:
        """Add vectors; on an error the index is as it was.

        Args:
            ids: shape (n,), integers from 0 up, none of which the index holds.
            vectors: shape (n, dim), finite; kept as float32.

        Raises:
            UsageError: shapes do not fit, an id is negative, repeated or held already, or a value
                is not finite.
        """
        new = as_ids(ids)
        rows = as_rows(vectors, self.dim, what="vectors")
        if len(new) != len(rows):
            raise UsageError(f"{len(new)} ids do not fit {len(rows)} vectors")
        if new.size and int(new.min()) < 0:
            raise UsageError(f"ids: {int(new.min())} is below 0")
        if len(np.unique(new)) != len(new):
            raise UsageError("ids: some occur twice; each vector needs its own")
        held = new[np.isin(new, self._ids)]
        if held.size:
            raise UsageError(f"ids: {int(held[0])} is in the index already; remove it first")
        self._flat.add(rows)
        self._ids = np.concatenate([self._ids, new])

    def remove(self, ids: ArrayLike) -> int:
        """Remove vectors and return how many there were; ids that the index lacks are ignored.

        Args:
            ids: shape (n,), integers.
        """
        gone = np.isin(self._ids, as_ids(ids))
        count = int(np.count_nonzero(gone))
        if count:
            self._flat.remove_ids(selector(gone))
            self._ids = self._ids[~gone]
        return count

    def vectors(self, ids: ArrayLike) -> NDArray[np.float32]:
        """Return the vectors of some ids.

        Args:
            ids: shape (m,), integers that the index holds, in any order, repeated at will.

        Returns:
            Shape (m, dim), float32, a copy.

        Raises:
            UsageError: an id is not in the index.
        """
        wanted = as_ids(ids)
        order = np.argsort(self._ids, kind="stable")
        places = np.searchsorted(self._ids, wanted, sorter=order)
        known = places < len(order)
        known[known] = self._ids[order[places[known]]] == wanted[known]
        if not known.all():
            raise UsageError(f"ids: {int(wanted[~known][0])} is not in the index")
        return self._matrix()[order[places]]

    def search(
        self,
        queries: NDArray[np.floating[Any]],
        k: int,
        *,
        allowed: ArrayLike | None = None,
        excluded: ArrayLike | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the k vectors of largest inner product with each query, best first.

        Filters act inside the search, so k are returned whenever k pass. Equal scores are ordered
        by id; which of them are kept where a tie crosses the k-th place is unspecified.

        Args:
            queries: shape (q, dim), finite.
            k: how many matches, from 1 up.
            allowed: when given, only these ids can match; unknown ones are ignored.
            excluded: these ids can not match, allowed or not.

        Returns:
            Scores (q, k) float32 and ids (q, k) int64; -inf and -1 where fewer matches exist.

        Raises:
            UsageError: the queries are not finite rows of the index's dim, or k is below 1.
        """
        rows = as_rows(queries, self.dim, what="queries")
        if k < 1:
            raise UsageError(f"k: {k} is not a number of matches above 0")
        scores = np.full((len(rows), k), -np.inf, dtype=np.float32)
        ids = np.full((len(rows), k), -1, dtype=np.int64)
        passing = self._passing(allowed, excluded)
        count = len(self) if passing is None else int(np.count_nonzero(passing))
        found = min(k, count)
        if found and len(rows):
            parameters = None if passing is None else faiss.SearchParameters(sel=selector(passing))
            best, positions = self._flat.search(rows, found, params=parameters)
            matched = self._ids[positions]
            order = np.lexsort((matched, -best), axis=1)
            scores[:, :found] = np.take_along_axis(best, order, axis=1)
            ids[:, :found] = np.take_along_axis(matched, order, axis=1)
        return scores, ids

    def _passing(
        self, allowed: ArrayLike | None, excluded: ArrayLike | None
    ) -> NDArray[np.bool_] | None:
        if allowed is None and excluded is None:
            return None
        passing = np.ones(len(self), dtype=np.bool_)
        if allowed is not None:
            passing &= np.isin(self._ids, as_ids(allowed))
        if excluded is not None:
            passing &= ~np.isin(self._ids, as_ids(excluded))
        return passing

    def _matrix(self) -> NDArray[np.float32]:
        """Return a view of FAISS's own storage, valid until the index changes."""
        if not len(self):
            return np.empty((0, self.dim), dtype=np.float32)
        flat: NDArray[np.float32] = faiss.rev_swig_ptr(self._flat.get_xb(), len(self) * self.dim)
        return flat.reshape(len(self), self.dim)


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
    matrix = np.ascontiguousarray(index._matrix(), dtype=_FLOAT)  # noqa: SLF001  # same module
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


def selector(chosen: NDArray[np.bool_]) -> Any:  # noqa: ANN401  # FAISS has no type for mypy
    """Return the FAISS selector of the positions that are true; it keeps its bitmap alive."""
    return faiss.IDSelectorBitmap(np.packbits(chosen, bitorder="little"))


def as_ids(ids: ArrayLike) -> NDArray[np.int64]:
    """Return ids as an array (n,), int64.

    Raises:
        UsageError: they are no list of integers.
    """
    array = np.asarray(ids)
    if array.ndim != 1:
        raise UsageError(f"ids of shape {array.shape} are not a list")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise UsageError(f"ids of {array.dtype} are not integers")
    return array.astype(np.int64)


def as_rows(vectors: NDArray[np.floating[Any]], dim: int, *, what: str) -> NDArray[np.float32]:
    """Return vectors as finite rows (n, dim), float32, as FAISS takes them.

    Raises:
        UsageError: they are no such rows; `what` says what they are.
    """
    if vectors.ndim != 2 or vectors.shape[1] != dim:  # noqa: PLR2004  # rows and columns
        raise UsageError(f"{what} of shape {vectors.shape} do not fit an index of dim {dim}")
    rows = np.require(vectors, dtype=np.float32, requirements=["C", "ALIGNED"])
    if not np.isfinite(rows).all():
        raise UsageError(f"{what} hold values that are not finite float32 numbers")
    return rows
