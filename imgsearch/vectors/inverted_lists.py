"""FAISS's inverted lists: made, taken apart into bytes, and mapped from a file.

A list is its codes and then the positions of its vectors. Codes that are scanned in blocks (the
"fast scan" of André, Kermarrec and Le Scouarnec 2015, http://www.vldb.org/pvldb/vol9/p288-andre.pdf)
are interleaved within a block, and a list's last block is filled up.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.vectors.approximate_front import capacities
from imgsearch.vectors.faiss_library import faiss, threads_for
from imgsearch.vectors.index_plan import lists_wanted

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_LISTS: Final = 1 << 18
NO_POSITION: Final = -1


def checked_factory(factory: str, dim: int) -> Any:  # noqa: ANN401  # FAISS has no type for mypy
    """Return FAISS's index for a factory string, untrained.

    Args:
        factory: such as "IVF4096,SQ8", "IVF2048,PQ80x4fs" or "OPQ40_160,IVF4096,PQ40".
        dim: length of the vectors.

    Raises:
        UsageError: FAISS does not know it, or it is not one that can be mapped from a file,
            filtered and searched a few lists at a time.
    """
    advice = "name an IVF index such as 'IVF4096,SQ8' or 'OPQ40_160,IVF4096,PQ40', exact, or auto"
    if not 1 <= lists_wanted(factory) <= MOST_LISTS:
        raise UsageError(f"index: {factory!r} asks for more than {MOST_LISTS} lists; {advice}")
    try:
        index = faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
    except (RuntimeError, ValueError, TypeError) as error:
        raise UsageError(
            f"index: FAISS does not take {factory!r} for vectors of {dim} values "
            f"({reason(error)}); {advice}"
        ) from error
    inner = (
        faiss.downcast_index(index.index) if isinstance(index, faiss.IndexPreTransform) else index
    )
    if not isinstance(inner, faiss.IndexIVF):
        raise UsageError(
            f"index: {factory!r} makes {type(inner).__name__}, which cannot be mapped from a file "
            f"and changed (scores are computed exactly in any case); {advice}"
        )
    plain = isinstance(faiss.downcast_InvertedLists(inner.invlists), faiss.ArrayInvertedLists)
    if not plain and not isinstance(inner, faiss.IndexIVFPQFastScan):
        raise UsageError(
            f"index: {factory!r} packs its codes in a way that cannot be mapped from a file; "
            f"{advice}"
        )
    return index


def ivf_of(index: Any) -> Any:  # noqa: ANN401  # FAISS has no type for mypy
    """Return the IVF index within an index, as the class that it is."""
    return faiss.downcast_index(faiss.extract_index_ivf(index))


def transformed(index: Any, rows: NDArray[np.float32]) -> NDArray[np.float32]:  # noqa: ANN401  # FAISS has no type for mypy
    """Return rows (n, dim) as the lists see them: behind the index's linear transforms, if any."""
    if isinstance(index, faiss.IndexPreTransform):
        for at in range(index.chain.size()):
            rows = faiss.downcast_VectorTransform(index.chain.at(at)).apply(rows)
    return rows


def block_of(index: Any) -> int:  # noqa: ANN401  # FAISS has no type for mypy
    """Return how many vectors' codes an IVF index interleaves; 1 for none."""
    return int(index.bbs) if isinstance(index, faiss.IndexIVFPQFastScan) else 1


def list_bytes(
    index: Any,  # noqa: ANN401  # FAISS has no type for mypy
    number: int,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return one list of an IVF index as it stands in a file.

    Returns:
        Its codes, flat, and the positions of its vectors, both up to the list's capacity.
    """
    lists, block, code_size = index.invlists, block_of(index), int(index.code_size)
    size = lists.list_size(number)
    if not size:
        return np.empty(0, dtype=np.uint8), np.empty(0, dtype=np.int64)
    filled = -(-size // block) * block
    codes: NDArray[np.uint8] = faiss.rev_swig_ptr(lists.get_codes(number), filled * code_size)
    positions: NDArray[np.int64] = faiss.rev_swig_ptr(lists.get_ids(number), size)
    if block == 1:
        return codes, positions
    (room,) = capacities(np.array([size]), block).tolist()
    return (
        np.pad(codes, (0, (room - filled) * code_size)),
        np.pad(positions, (0, room - size), constant_values=NO_POSITION),
    )


def trained_bytes(index: Any) -> bytes:  # noqa: ANN401  # FAISS has no type for mypy
    """Return what an IVF index has learnt, without its vectors, as FAISS writes it."""
    inner = ivf_of(index)
    lists, owned = inner.invlists, inner.own_invlists
    counts = inner.ntotal, index.ntotal
    empty = faiss.ArrayInvertedLists(inner.nlist, inner.code_size)
    # FAISS deletes lists that it owns when it gets others.
    inner.own_invlists = False
    try:
        inner.replace_invlists(empty, False)
        inner.ntotal = index.ntotal = 0
        return bytes(faiss.serialize_index(index).tobytes())
    finally:
        inner.replace_invlists(lists, owned)
        inner.ntotal, index.ntotal = counts


def with_lists(trained: bytes, lists: Any, *, count: int) -> Any:  # noqa: ANN401  # FAISS has no type for mypy
    """Return the index of what `trained_bytes` gave and lists, which the caller keeps alive.

    Args:
        trained: bytes whose checksum was verified, since FAISS believes whatever it reads.
        lists: FAISS's inverted lists.
        count: how many vectors are in them.

    Raises:
        ValueError: the lists do not fit what was trained.
    """
    index = faiss.deserialize_index(np.frombuffer(trained, dtype=np.uint8))
    inner = ivf_of(index)
    sizes = {inner.code_size, inner.code_size * block_of(inner)}
    received = lists.block_size if hasattr(lists, "block_size") else lists.code_size
    if inner.nlist != lists.nlist or received not in sizes:
        raise ValueError("its lists are not those of its index")
    inner.replace_invlists(lists, False)
    inner.ntotal = index.ntotal = count
    return index


def scan(
    lists: Any,  # noqa: ANN401  # FAISS has no type for mypy
    queries: NDArray[np.float32],
    k: int,
    numbers: NDArray[np.int64],
    products: NDArray[np.float32],
    chosen: Any = None,  # noqa: ANN401  # likewise
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the best by their codes in the lists that each query names.

    Args:
        lists: an IVF index.
        queries: shape (q, width), behind the index's transform.
        k: how many.
        numbers: of the lists, shape (q, p), -1 for none.
        products: of the queries with these lists' centroids, shape (q, p or more).
        chosen: FAISS's selector of the positions that pass; None for all.

    Returns:
        Scores (q, k) float32 and positions (q, k) int64, -1 where there are fewer.
    """
    scores = np.empty((len(queries), k), np.float32)
    positions = np.empty((len(queries), k), np.int64)
    # Not by FAISS's wrapper, which takes the number of lists from the index, where threads meet.
    arrays = [
        np.ascontiguousarray(queries, np.float32),
        np.ascontiguousarray(numbers, np.int64),
        np.ascontiguousarray(products[:, : numbers.shape[1]], np.float32),
    ]
    asked, lists_asked, distances = map(faiss.swig_ptr, arrays)
    with threads_for(len(queries)):
        lists.search_preassigned_c(
            len(queries),
            asked,
            k,
            lists_asked,
            distances,
            faiss.swig_ptr(scores),
            faiss.swig_ptr(positions),
            False,
            _parameters(numbers.shape[1])
            if chosen is None
            else faiss.SearchParametersIVF(nprobe=numbers.shape[1], sel=chosen),
        )
    return scores, positions


@lru_cache(maxsize=256)
def _parameters(nprobe: int) -> Any:  # noqa: ANN401  # FAISS has no type for mypy
    """Return what FAISS reads and does not change; making it takes a tenth of a short scan."""
    return faiss.SearchParametersIVF(nprobe=nprobe)


def mapped_lists(path: str, length: int, *, code_size: int, places: NDArray[np.uint64]) -> Any:  # noqa: ANN401  # FAISS has no type for mypy
    """Return inverted lists that lie in a file and are read as they are probed.

    Args:
        path: the file, or a descriptor's name.
        length: its bytes.
        code_size: bytes of a vector.
        places: size, capacity and offset in bytes of each list, shape (nlist, 3).
    """
    lists = faiss.OnDiskInvertedLists()
    lists.nlist, lists.code_size = len(places), code_size
    lists.filename, lists.totsize, lists.read_only = path, length, True
    # FAISS would start threads that read the lists of each query ahead, in competition with it.
    lists.prefetch_nthread = 0
    lists.lists.resize(len(places))
    faiss.memcpy(lists.lists.data(), faiss.swig_ptr(places), places.nbytes)
    lists.do_mmap()
    return lists


def loaded_lists(
    data: memoryview,
    *,
    code_size: int,
    sizes: NDArray[np.int64],
    block: int,
) -> Any:  # noqa: ANN401  # FAISS has no type for mypy
    """Return inverted lists in memory, for systems on which FAISS maps none.

    Args:
        data: for each list its codes, then its positions, as `list_bytes` gives them.
        code_size: bytes of a vector.
        sizes: how many vectors each list has.
        block: how many vectors' codes are interleaved; 1 for none.
    """
    if block == 1:
        lists = faiss.ArrayInvertedLists(len(sizes), code_size)
    else:
        lists = faiss.BlockInvertedLists(len(sizes), block, block * code_size)
    at = 0
    for number, (size, room) in enumerate(
        zip(sizes.tolist(), capacities(sizes, block).tolist(), strict=True)
    ):
        codes = np.frombuffer(data, np.uint8, room * code_size, at)
        at += codes.nbytes
        # Copied, for they need not begin at a multiple of eight.
        positions = np.frombuffer(data[at : at + 8 * room], "<i8").astype(np.int64)
        at += positions.nbytes
        if not size:
            continue
        if block == 1:
            lists.add_entries(number, size, faiss.swig_ptr(positions), faiss.swig_ptr(codes))
        else:
            lists.resize(number, size)
            filled = -(-size // block) * block
            faiss.memcpy(lists.get_codes(number), faiss.swig_ptr(codes), filled * code_size)
            faiss.memcpy(lists.get_ids(number), faiss.swig_ptr(positions), 8 * size)
    return lists


def can_map() -> bool:
    """Say whether FAISS maps lists from files on this system."""
    return hasattr(faiss, "OnDiskInvertedLists")


def reason(error: Exception) -> str:
    """Return FAISS's message without the place in its source that it begins with."""
    return re.sub(r"^Error in .*?\.(?:cpp|h):\d+: (?:Error: )?", "", str(error), flags=re.DOTALL)
