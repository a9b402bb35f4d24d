"""The file of an approximate index: a checked front, and lists that are mapped unread.

Opening verifies the front, a few megabytes, and the file's length; the lists are read as they are
visited. Their checksum is in the front, and `verify` compares it. All numbers are little-endian::

    offset  bytes   what
    0       8       magic: 89 "ISIV" 0D 0A 1A
    8       4       format version, unsigned
    12      4       length of the header
    16      8       length of the trained index
    24      8       offset of the lists, a multiple of 4096
    32      8       length of the lists
    40      …       header: the fields of ApproximateHeader as one JSON object, UTF-8
            …       what FAISS learnt, without vectors, as FAISS writes it
            …       nlist × int64: how many vectors each list has
            …       count × int64: ids by position, ascending
            32      SHA-256 of the lists
            32      SHA-256 of everything before it
            …       zeros
            …       lists: for each its codes, then the positions of its vectors as int64
            …       zeros, to a multiple of 4096
            …       count × refined float16: the vectors behind the index's transform, where the
                    header's `refined` is not 0

The length of the lists is that of all that follows them too. Lists of interleaved codes are filled
up, each to a multiple of 64 vectors.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import struct
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import DamagedCacheError
from imgsearch.files import write_atomically
from imgsearch.vectors import approximate, inverted_lists
from imgsearch.vectors.approximate import ApproximateIndex, Measured
from imgsearch.vectors.index_plan import IndexPlan
from imgsearch.vectors.inverted_lists import capacities
from imgsearch.vectors.visited_lists import Visits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

MAGIC: Final = b"\x89ISIV\r\n\x1a"
FORMAT_VERSION: Final = 2

_LENGTHS: Final = struct.Struct("<8sIIQQQ")
_PAGE: Final = 4096
_DIGEST_BYTES: Final = 32
_ID: Final = np.dtype("<i8")
_HALF: Final = np.dtype("<f2")
_ROWS_AT_ONCE: Final = 65_536
_TYPES: Final[dict[str, type]] = {
    "factory": str, "share": float, "temperature": float, "visited": float, "recall": float,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproximateHeader:
    """What the file says of its index.

    Attributes:
        dim: length of a vector as it is searched.
        count: how many vectors.
        nlist: how many lists.
        code_size: bytes of a vector in a list.
        factory: FAISS's words for the index.
        reduced: as in `IndexPlan`.
        rescored: likewise.
        block: how many vectors' codes are interleaved; 1 for none.
        refined: numbers of a vector that stand as float16 behind the lists; 0 for none.
        nprobe: as in `Visits`.
        share: likewise.
        temperature: likewise.
        visited: as in `Measured`.
        recall: likewise.
        queries: likewise.
    """

    dim: int
    count: int
    nlist: int
    code_size: int
    factory: str
    reduced: int
    rescored: int
    block: int
    refined: int
    nprobe: int
    share: float
    temperature: float
    visited: float
    recall: float
    queries: int


def save(path: Path, index: ApproximateIndex) -> str:
    """Write an index into one file, and return the checksum of its front, in hexadecimal digits.

    Raises:
        OSError: the file could not be written; the old one, if any, is untouched.
    """
    header = ApproximateHeader(
        dim=index.dim,
        count=len(index),
        nlist=index.nlist,
        code_size=index.code_size,
        factory=index.plan.factory,
        reduced=index.plan.reduced,
        rescored=index.plan.rescored,
        block=index.block,
        refined=0 if index.refined is None else index.refined.shape[1],
        nprobe=index.measured.visits.nprobe,
        share=float(index.measured.visits.share),
        temperature=float(index.measured.visits.temperature),
        visited=float(index.measured.visited),
        recall=index.measured.recall,
        queries=index.measured.queries,
    )
    described = json.dumps(asdict(header), sort_keys=True).encode()
    trained = index.trained_bytes()
    numbers = np.concatenate([index.list_sizes(), index.ids]).astype(_ID).tobytes()
    digest = hashlib.sha256()
    length = 0
    for part in _lists(index):
        digest.update(part)
        length += part.nbytes
    end = _LENGTHS.size + len(described) + len(trained) + len(numbers) + 2 * _DIGEST_BYTES
    offset = _paged(end)
    lengths = _LENGTHS.pack(MAGIC, FORMAT_VERSION, len(described), len(trained), offset, length)
    front = lengths + described + trained + numbers + digest.digest()
    checksum = hashlib.sha256(front)

    def parts() -> Iterator[memoryview | bytes]:
        yield front
        yield checksum.digest()
        yield bytes(offset - end)
        yield from _lists(index)

    write_atomically(path, parts())
    return checksum.hexdigest()


def load(path: Path, *, in_memory: bool = False) -> tuple[ApproximateIndex, str]:
    """Open the index in a file, its lists mapped unread; return it and its front's checksum.

    Args:
        path: the file.
        in_memory: read the lists instead, as is done where FAISS maps none.

    Raises:
        DamagedCacheError: the front fails its checksum, or the file is cut short or extended.
        OSError: the file is not there or cannot be read.
    """
    with path.open("rb") as file:
        try:
            front = _Front.read(file, os.fstat(file.fileno()).st_size)
            header = front.header
            if in_memory or not inverted_lists.can_map():
                file.seek(front.offset)
                data = memoryview(file.read(front.length))
                lists = inverted_lists.loaded_lists(
                    data,
                    code_size=header.code_size,
                    sizes=front.sizes,
                    block=header.block,
                )
                refined = front.refined(data[front.refined_at - front.offset :])
            else:
                # By its descriptor: the very file whose front was verified, whatever its name.
                name = f"/dev/fd/{file.fileno()}"
                lists = inverted_lists.mapped_lists(
                    name,
                    front.offset + front.length,
                    code_size=header.code_size,
                    places=front.places(),
                )
                refined = front.mapped(file)
            index = approximate.restore(
                front.trained,
                lists,
                front.ids,
                plan=IndexPlan(
                    factory=header.factory,
                    reduced=header.reduced,
                    rescored=header.rescored,
                    refined=header.refined > 0,
                ),
                measured=Measured(
                    visits=Visits(
                        nprobe=header.nprobe, share=header.share, temperature=header.temperature
                    ),
                    visited=header.visited,
                    recall=header.recall,
                    queries=header.queries,
                ),
                refined=refined,
            )
        except (ValueError, TypeError, RuntimeError) as error:
            raise DamagedCacheError(
                f"{path}: {error}; delete it, it will be built again"
            ) from error
    return index, front.checksum


def verify(path: Path) -> None:
    """Read the whole file and compare every checksum.

    Raises:
        DamagedCacheError: any byte that has a meaning differs from what was written.
        OSError: the file is not there or cannot be read.
    """
    load(path)
    with path.open("rb") as file:
        front = _Front.read(file, os.fstat(file.fileno()).st_size)
        file.seek(front.offset)
        if hashlib.file_digest(file, "sha256").digest() != front.lists_digest:
            raise DamagedCacheError(
                f"{path}: the checksum of its lists does not fit; delete it, it will be built again"
            )


@dataclass(frozen=True, slots=True)
class _Front:
    header: ApproximateHeader
    trained: bytes
    sizes: NDArray[np.int64]
    ids: NDArray[np.int64]
    lists_digest: bytes
    checksum: str
    offset: int
    length: int
    refined_at: int

    @classmethod
    def read(cls, file: Any, size: int) -> _Front:  # noqa: ANN401  # a file opened for bytes
        """Take the front apart; any ValueError or TypeError means damage."""
        start = file.read(_LENGTHS.size)
        if len(start) < _LENGTHS.size:
            raise ValueError(f"{size} bytes are too few for an index; it was cut short")
        magic, version, described, trained, offset, length = _LENGTHS.unpack(start)
        if magic != MAGIC:
            raise ValueError("it does not begin as an imgsearch index does")
        if version != FORMAT_VERSION:
            raise ValueError(
                f"it has format version {version} where this imgsearch reads {FORMAT_VERSION}; a "
                "newer imgsearch wrote it, or it is damaged"
            )
        if offset + length != size or _LENGTHS.size + described + trained > offset:
            raise ValueError("its lengths do not add up")
        rest = file.read(offset - _LENGTHS.size)
        header = _parse_header(rest[:described])
        at = described + trained + _ID.itemsize * (header.nlist + header.count)
        end = at + _DIGEST_BYTES
        if min(header.nlist, header.count) < 0 or end + _DIGEST_BYTES > len(rest):
            raise ValueError("its lengths do not add up")
        checksum = hashlib.sha256(start)
        checksum.update(memoryview(rest)[:end])
        if checksum.digest() != rest[end : end + _DIGEST_BYTES]:
            raise ValueError("its checksum does not fit; it was changed after writing")
        numbers = np.frombuffer(rest[described + trained : at], dtype=_ID).astype(np.int64)
        sizes, ids = numbers[: header.nlist], numbers[header.nlist :]
        if min(header.block, header.code_size, header.refined + 1) < 1:
            raise ValueError("its header makes no sense")
        room = int(capacities(sizes, header.block).sum())
        lists = offset + room * (header.code_size + _ID.itemsize)
        refined_at = _paged(lists) if header.refined else lists
        if refined_at + header.count * header.refined * _HALF.itemsize != offset + length:
            raise ValueError("its lists are not those of its header")
        return cls(
            header=header,
            trained=rest[described : described + trained],
            sizes=sizes,
            ids=ids,
            lists_digest=rest[at:end],
            checksum=checksum.hexdigest(),
            offset=offset,
            length=length,
            refined_at=refined_at,
        )

    def refined(self, data: memoryview | mmap.mmap, start: int = 0) -> NDArray[np.float16] | None:
        """Return the vectors (count, refined) that bytes hold from a place on; None for none."""
        width, count = self.header.refined, self.header.count
        if not width:
            return None
        rows = np.frombuffer(data, _HALF, count * width, start)
        return rows.reshape(count, width)

    def mapped(self, file: Any) -> NDArray[np.float16] | None:  # noqa: ANN401  # a file opened for bytes
        """Return them unread, from the very file whose front was verified."""
        if not self.header.refined:
            return None
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if hasattr(mmap, "MADV_RANDOM"):
            # Rows of one answer lie far apart: reading ahead would read what nobody asks for.
            data.madvise(mmap.MADV_RANDOM)
        return self.refined(data, self.refined_at)

    def places(self) -> NDArray[np.uint64]:
        """Return size, capacity and offset of each list, shape (nlist, 3)."""
        rooms = capacities(self.sizes, self.header.block)
        spans = rooms * (self.header.code_size + _ID.itemsize)
        starts = self.offset + np.concatenate([[0], np.cumsum(spans)[:-1]])
        return np.ascontiguousarray(np.stack([self.sizes, rooms, starts], 1), dtype=np.uint64)


def _parse_header(described: bytes) -> ApproximateHeader:
    values = json.loads(described)
    if not isinstance(values, dict):
        raise TypeError("its header is not a JSON object")
    header = ApproximateHeader(**values)
    for name, value in asdict(header).items():
        expected = _TYPES.get(name, int)
        if type(value) is not expected:
            raise TypeError(f"its header's {name} is {value!r}")
    return header


def _lists(index: ApproximateIndex) -> Iterator[memoryview]:
    """Yield all that is not verified at opening: lists, and vectors as float16."""
    length = 0
    for number in range(index.nlist):
        codes, positions = index.list_bytes(number)
        if len(positions):
            yield codes.data
            yield positions.astype(_ID, copy=False).data.cast("B")
            length += codes.nbytes + positions.nbytes
    if index.refined is not None:
        yield memoryview(bytes(_paged(length) - length))
        for start in range(0, len(index), _ROWS_AT_ONCE):
            rows = index.refined[start : start + _ROWS_AT_ONCE].astype(_HALF, copy=False)
            yield np.ascontiguousarray(rows).data.cast("B")


def _paged(length: int) -> int:
    return -(-length // _PAGE) * _PAGE
