"""The front of an approximate index's file: all that is verified at opening."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch import checked_file
from imgsearch.checked_file import DIGEST_BYTES, FileFormat
from imgsearch.errors import DamagedCacheError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

FORMAT: Final = FileFormat(
    name="an imgsearch index",
    magic=b"\x89ISIV\r\n\x1a",
    version=2,
    lengths="IQQQ",
    remedy="the next `imgsearch index` builds it again",
)
ID: Final = np.dtype("<i8")
HALF: Final = np.dtype("<f2")
FLOAT: Final = np.dtype("<f4")
CHECKSUM: Final = np.dtype("<u4")
# Lists of blocks end at multiples of so many vectors, so that each begins where the widest
# instructions may read: at a multiple of 64 bytes.
ALIGNED: Final = 64

_PAGE: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproximateHeader:
    """What the file says of its index.

    Attributes:
        dim: length of a vector as it is searched.
        count: how many vectors.
        nlist: how many lists.
        code_size: bytes of a vector in a list.
        factory: FAISS's factory string.
        reduced: as in `IndexPlan`.
        rescored: likewise.
        block: how many vectors' codes are interleaved; 1 for none.
        refined: dimensions of the vectors that lie as float16 behind the lists; 0 for none.
        whole: dimensions of those that lie there as they were added, float32; 0 for none.
        nprobe: as in `Probes`.
        share: likewise.
        temperature: likewise.
        probed: as in `Measured`.
        recall: likewise.
        queries: likewise.
        refinement: likewise.
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
    probed: float
    recall: float
    queries: int
    whole: int = 0
    refinement: int = 200

    @property
    def rows_bytes(self) -> int:
        """Bytes of the vectors behind the lists, and of their checksums."""
        if self.whole:
            return self.count * (self.whole * FLOAT.itemsize + CHECKSUM.itemsize)
        return self.count * self.refined * HALF.itemsize

    @classmethod
    def of(cls, values: dict[str, Any]) -> ApproximateHeader:
        """Return the header that a file holds as a JSON object.

        Raises:
            TypeError: a field is missing, unknown or of another type.
        """
        # Earlier versions called it by another name.
        renamed = {"probed" if name == "visited" else name: values[name] for name in values}
        return checked_file.record_of(cls, renamed)


@dataclass(frozen=True, slots=True)
class Front:
    """What was verified, and where the rest lies.

    Attributes:
        header: what the file says of its index.
        trained: what FAISS learnt, as FAISS writes it.
        sizes: of the lists in vectors, shape (nlist,), int64.
        ids: of the vectors by position, shape (count,), int64, ascending.
        rest_digest: SHA-256 of lists and vectors.
        checksum: of all this, in hexadecimal digits.
        offset: where the lists begin.
        length: bytes of lists and vectors.
        rows_at: where the vectors begin.
    """

    header: ApproximateHeader
    trained: bytes
    sizes: NDArray[np.int64]
    ids: NDArray[np.int64]
    rest_digest: bytes
    checksum: str
    offset: int
    length: int
    rows_at: int

    @classmethod
    def read(cls, file: BinaryIO, size: int) -> Front:
        """Take the front of a file of so many bytes apart.

        Raises:
            ValueError: the file is damaged, or none of this format.
            TypeError: likewise.
        """
        start = file.read(FORMAT.start.size)
        described, trained_length, offset, length = FORMAT.unpack(start)
        if offset + length != size or len(start) + described + trained_length > offset:
            raise ValueError("its lengths do not add up")
        data = start + file.read(offset - len(start))
        content = checked_file.parse(
            data, FORMAT, payload_length=lambda values: trained_length + _numbers_length(values)
        )
        header = ApproximateHeader.of(content.header)
        numbers = np.frombuffer(content.payload[trained_length:-DIGEST_BYTES], dtype=ID)
        sizes, ids = np.split(numbers.astype(np.int64), [header.nlist])
        if min(header.block, header.code_size, header.refined + 1, header.whole + 1) < 1:
            raise ValueError("its header makes no sense")
        room = int(capacities(sizes, header.block).sum())
        lists_end = offset + room * (header.code_size + ID.itemsize)
        rows_at = paged(lists_end) if header.rows_bytes else lists_end
        if rows_at + header.rows_bytes != offset + length:
            raise ValueError("its lists are not those of its header")
        return cls(
            header=header,
            trained=bytes(content.payload[:trained_length]),
            sizes=sizes,
            ids=ids,
            rest_digest=bytes(content.payload[-DIGEST_BYTES:]),
            checksum=content.checksum,
            offset=offset,
            length=length,
            rows_at=rows_at,
        )

    def places(self) -> NDArray[np.uint64]:
        """Return size, capacity and offset of each list, shape (nlist, 3)."""
        rooms = capacities(self.sizes, self.header.block)
        spans = rooms * (self.header.code_size + ID.itemsize)
        starts = self.offset + np.concatenate([[0], np.cumsum(spans)[:-1]])
        return np.ascontiguousarray(np.stack([self.sizes, rooms, starts], 1), dtype=np.uint64)


def read_front(path: Path) -> Front:
    """Read and verify the front of a file, without FAISS, and compare the file's length.

    Raises:
        DamagedCacheError: the front fails its checksum, or the file is cut short or extended.
        OSError: the file is not there or cannot be read.
    """
    with path.open("rb") as file, checked_file.damage_named(path, FORMAT):
        return Front.read(file, os.fstat(file.fileno()).st_size)


def verify_rest(path: Path, front: Front) -> None:
    """Read lists and vectors, and compare their checksum.

    Raises:
        DamagedCacheError: a byte that has a meaning differs from what was written.
        OSError: the file is not there or cannot be read.
    """
    with path.open("rb") as file:
        file.seek(front.offset)
        if hashlib.file_digest(file, "sha256").digest() != front.rest_digest:
            raise DamagedCacheError(
                f"{path}: the checksum of its lists does not fit; `imgsearch check --repair` "
                "builds it again"
            )


def capacities(sizes: NDArray[np.int64], block: int) -> NDArray[np.int64]:
    """Return for how many vectors each list has room in a file, shape (nlist,), int64."""
    step = 1 if block == 1 else int(np.lcm(block, ALIGNED))
    return -(-sizes // step) * step


def paged(length: int) -> int:
    """Return the next multiple of a page's size."""
    return -(-length // _PAGE) * _PAGE


def _numbers_length(values: dict[str, Any]) -> int:
    """Return the bytes of sizes, ids and the digest of the rest."""
    header = ApproximateHeader.of(values)
    if min(header.nlist, header.count) < 0:
        raise ValueError("its lengths do not add up")
    return ID.itemsize * (header.nlist + header.count) + DIGEST_BYTES
