"""The file of an approximate index: a checked front, and lists that are mapped unread.

Opening verifies the front, a few megabytes, and the file's length; the lists are read as they are
probed. Their checksum is in the front, and `verify` compares it. The file is a checked file
(`imgsearch.checked_file`) with a rest::

    offset  bytes   what
    0       8       magic: 89 "ISIV" 0D 0A 1A
    8       4       format version, unsigned
    12      4       length of the header
    16      8       length of the trained index
    24      8       offset of the lists, a multiple of 4096
    32      8       length of the lists and of all that follows
    40      …       header: the fields of ApproximateHeader as one JSON object, UTF-8
            …       what FAISS learnt, without vectors, as FAISS writes it
            …       nlist × int64: how many vectors each list has
            …       count × int64: ids by position, ascending
            32      SHA-256 of the lists and of all that follows
            32      SHA-256 of everything before it
            …       zeros
            …       lists: for each its codes, then the positions of its vectors as int64
            …       zeros, to a multiple of 4096
            …       where the header's `whole` is not 0: the vectors as they were added, count ×
                    whole float32, and count × uint32: CRC-32 of each vector, begun with its
                    position; where its `refined` is not 0: the vectors behind the index's
                    transform, count × refined float16

Lists of interleaved codes are filled up, each to a multiple of 64 vectors.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import mmap
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import checked_file
from imgsearch.vectors import inverted_lists
from imgsearch.vectors.approximate import ApproximateIndex
from imgsearch.vectors.approximate_front import (
    CHECKSUM,
    FLOAT,
    FORMAT,
    HALF,
    ID,
    ApproximateHeader,
    Front,
    paged,
    read_front,
    verify_rest,
)
from imgsearch.vectors.index_plan import HALF as HALVES
from imgsearch.vectors.index_plan import NOTHING, WHOLE, IndexPlan
from imgsearch.vectors.kept_rows import HalfRows, KeptRows, WholeRows
from imgsearch.vectors.measured import Measured
from imgsearch.vectors.probes import Probes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

_ROWS_AT_ONCE: Final = 65_536


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
        refined=index.kept.values.shape[1] if isinstance(index.kept, HalfRows) else 0,
        whole=index.kept.values.shape[1] if isinstance(index.kept, WholeRows) else 0,
        refinement=index.measured.refinement,
        nprobe=index.measured.probes.nprobe,
        share=float(index.measured.probes.share),
        temperature=float(index.measured.probes.temperature),
        probed=float(index.measured.probed),
        recall=index.measured.recall,
        queries=index.measured.queries,
    )
    described = json.dumps(asdict(header), sort_keys=True).encode()
    trained = index.trained_bytes()
    numbers = np.concatenate([index.list_sizes(), index.ids]).astype(ID).tobytes()
    digest = hashlib.sha256()
    length = 0
    for part in _rest(index):
        digest.update(part)
        length += part.nbytes
    payload = [trained, numbers, digest.digest()]
    end = FORMAT.end(described, payload)
    offset = paged(end)
    return checked_file.write(
        path,
        FORMAT,
        described,
        payload,
        lengths=(len(trained), offset, length),
        rest=itertools.chain([bytes(offset - end)], _rest(index)),
    )


def load(path: Path, *, in_memory: bool = False) -> tuple[ApproximateIndex, str]:
    """Open the index in a file, its lists mapped unread; return it and its front's checksum.

    Args:
        path: the file.
        in_memory: read the lists instead, as is done where FAISS maps none.

    Raises:
        DamagedCacheError: the front fails its checksum, or the file is cut short or extended.
        OSError: the file is not there or cannot be read.
    """
    with path.open("rb") as file, checked_file.damage_named(path, FORMAT):
        front = Front.read(file, os.fstat(file.fileno()).st_size)
        header = front.header
        if in_memory or not inverted_lists.can_map():
            file.seek(front.offset)
            data = memoryview(file.read(front.length))
            lists = inverted_lists.loaded_lists(
                data, code_size=header.code_size, sizes=front.sizes, block=header.block
            )
            kept = _rows(front.header, data, front.rows_at - front.offset)
        else:
            # By its descriptor: the very file whose front was verified, whatever its name.
            lists = inverted_lists.mapped_lists(
                f"/dev/fd/{file.fileno()}",
                front.offset + front.length,
                code_size=header.code_size,
                places=front.places(),
            )
            kept = _mapped(front, file)
        index = ApproximateIndex(
            inverted_lists.with_lists(front.trained, lists, count=header.count),
            front.ids,
            plan=IndexPlan(
                factory=header.factory,
                reduced=header.reduced,
                rescored=header.rescored,
                kept=_kept(header),
            ),
            measured=Measured(
                probes=Probes(
                    nprobe=header.nprobe, share=header.share, temperature=header.temperature
                ),
                probed=header.probed,
                refinement=header.refinement,
                recall=header.recall,
                queries=header.queries,
            ),
            kept=kept,
            lists=lists,
        )
    return index, front.checksum


def verify(path: Path) -> None:
    """Read the whole file and compare every checksum.

    Raises:
        DamagedCacheError: any byte that has a meaning differs from what was written.
        OSError: the file is not there or cannot be read.
    """
    load(path)
    verify_rest(path, read_front(path))


def _rows(header: ApproximateHeader, data: memoryview | mmap.mmap, start: int) -> KeptRows | None:
    """Return the vectors that bytes hold from a place on; None for none."""
    if header.whole:
        numbers = header.count * header.whole
        values = np.frombuffer(data, FLOAT, numbers, start)
        checksums = np.frombuffer(data, CHECKSUM, header.count, start + values.nbytes)
        return WholeRows(values.reshape(header.count, header.whole), checksums)
    if header.refined:
        halves = np.frombuffer(data, HALF, header.count * header.refined, start)
        return HalfRows(halves.reshape(header.count, header.refined))
    return None


def _mapped(front: Front, file: BinaryIO) -> KeptRows | None:
    """Return the vectors unread, from the very file whose front was verified."""
    if not front.header.rows_bytes:
        return None
    data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if hasattr(mmap, "MADV_RANDOM"):
        # Rows of one answer lie far apart: reading ahead would read what nobody asks for.
        data.madvise(mmap.MADV_RANDOM)
    return _rows(front.header, data, front.rows_at)


def _kept(header: ApproximateHeader) -> str:
    if header.whole:
        return WHOLE
    return HALVES if header.refined else NOTHING


def _rest(index: ApproximateIndex) -> Iterator[memoryview]:
    """Yield all that is not verified at opening: lists, and vectors as float16."""
    length = 0
    for number in range(index.nlist):
        codes, positions = index.list_bytes(number)
        if len(positions):
            yield codes.data
            yield positions.astype(ID, copy=False).data.cast("B")
            length += codes.nbytes + positions.nbytes
    if not isinstance(index.kept, WholeRows | HalfRows):
        return
    yield memoryview(bytes(paged(length) - length))
    dtype = FLOAT if isinstance(index.kept, WholeRows) else HALF
    for start in range(0, len(index), _ROWS_AT_ONCE):
        rows = index.kept.values[start : start + _ROWS_AT_ONCE].astype(dtype, copy=False)
        yield np.ascontiguousarray(rows).data.cast("B")
    if isinstance(index.kept, WholeRows):
        yield index.kept.checksums.astype(CHECKSUM, copy=False).data.cast("B")
