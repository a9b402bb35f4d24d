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
            …       count × refined float16: the vectors behind the index's transform, where the
                    header's `refined` is not 0

Lists of interleaved codes are filled up, each to a multiple of 64 vectors.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import checked_file
from imgsearch.vectors import inverted_lists
from imgsearch.vectors.approximate import ApproximateIndex, Measured
from imgsearch.vectors.approximate_front import (
    FORMAT,
    HALF,
    ID,
    ApproximateHeader,
    Front,
    paged,
    read_front,
    verify_rest,
)
from imgsearch.vectors.index_plan import IndexPlan
from imgsearch.vectors.probes import Probes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
        refined=0 if index.refined is None else index.refined.shape[1],
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
            refined = front.refined(data[front.refined_at - front.offset :])
        else:
            # By its descriptor: the very file whose front was verified, whatever its name.
            lists = inverted_lists.mapped_lists(
                f"/dev/fd/{file.fileno()}",
                front.offset + front.length,
                code_size=header.code_size,
                places=front.places(),
            )
            refined = front.mapped(file)
        index = ApproximateIndex(
            inverted_lists.with_lists(front.trained, lists, count=header.count),
            front.ids,
            plan=IndexPlan(
                factory=header.factory,
                reduced=header.reduced,
                rescored=header.rescored,
                refined=header.refined > 0,
            ),
            measured=Measured(
                probes=Probes(
                    nprobe=header.nprobe, share=header.share, temperature=header.temperature
                ),
                probed=header.probed,
                recall=header.recall,
                queries=header.queries,
            ),
            refined=refined,
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


def _rest(index: ApproximateIndex) -> Iterator[memoryview]:
    """Yield all that is not verified at opening: lists, and vectors as float16."""
    length = 0
    for number in range(index.nlist):
        codes, positions = index.list_bytes(number)
        if len(positions):
            yield codes.data
            yield positions.astype(ID, copy=False).data.cast("B")
            length += codes.nbytes + positions.nbytes
    if index.refined is not None:
        yield memoryview(bytes(paged(length) - length))
        for start in range(0, len(index), _ROWS_AT_ONCE):
            rows = index.refined[start : start + _ROWS_AT_ONCE].astype(HALF, copy=False)
            yield np.ascontiguousarray(rows).data.cast("B")
