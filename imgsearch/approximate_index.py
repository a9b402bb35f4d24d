"""Approximate search: vectors lie in lists, compressed, and a query visits the nearest lists.

The inverted file of Jégou, Douze and Schmid, "Product quantization for nearest neighbor search"
(2011), as FAISS has it. It only finds candidates; their scores are computed elsewhere from what is
stored exactly. So a damaged code can cost a match, and can never give one a wrong score.

FAISS is given arrays or bytes whose checksum was verified. The lists themselves may be mapped
from a file unread: whatever stands in them, FAISS only adds up numbers, and a position that no
vector has is dropped here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.index import as_ids, as_rows, faiss, selector
from imgsearch.index_choice import TARGET_RECALL, IndexPlan, lists_wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

MOST_LISTS: Final = 1 << 18
# The k-means of the lists sees so many vectors for each of them, so many times.
TRAINING_FACTOR: Final = 40
ITERATIONS: Final = 10
# Once no more than this share of the lists has to be visited, the search would be exact sooner.
MOST_VISITED: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How well an approximate index finds what exact search finds, and what for.

    Attributes:
        nprobe: how many lists a query visits.
        recall: ANN recall@10 against exact search, the candidates scored exactly.
        queries: how many of the gallery's own embeddings were the queries.
    """

    nprobe: int
    recall: float
    queries: int


class ApproximateIndex:
    """Inner-product search in lists, for vectors that never change.

    Attributes:
        plan: what the index was made to be.
        measured: how many lists are visited, and the ANN recall of that.
    """

    def __init__(
        self,
        trained: Any,  # noqa: ANN401  # FAISS has no type for mypy
        ids: NDArray[np.int64],
        *,
        plan: IndexPlan,
        measured: Measured,
    ) -> None:
        """Put a FAISS index to work.

        Args:
            trained: an IVF index, behind a linear transform or not, whose ids are positions.
            ids: of the vectors by position, shape (n,), ascending.
            plan: what it was made by.
            measured: how it is searched.
        """
        self.plan = plan
        self.measured = measured
        self._index = trained
        self._lists = faiss.extract_index_ivf(trained)
        self._ids = ids
        self._kept: Any = None

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    @property
    def nlist(self) -> int:
        """How many lists there are."""
        return int(self._lists.nlist)

    @property
    def code_size(self) -> int:
        """Bytes of a vector in a list."""
        return int(self._lists.code_size)

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids, shape (n,), int64, ascending, read-only."""
        view = self._ids.view()
        view.flags.writeable = False
        return view

    def search(
        self,
        queries: NDArray[np.floating[Any]],
        k: int,
        *,
        allowed: ArrayLike | None = None,
        excluded: ArrayLike | None = None,
        nprobe: int | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return k candidates for each query, best first by approximate scores.

        Filters act inside the search; where they leave few vectors more lists are visited, all
        when need be, so that k are returned whenever k pass.

        Args:
            queries: shape (q, dim), finite.
            k: how many candidates, from 1 up.
            allowed: when given, only these ids can match; unknown ones are ignored.
            excluded: these ids can not match, allowed or not.
            nprobe: how many lists are visited; None for what was measured.

        Returns:
            Approximate scores (q, k) float32 and ids (q, k) int64; -inf and -1 where fewer exist.

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
        if not found or not len(rows):
            return scores, ids
        visited = nprobe or self.measured.nprobe
        # A filter that leaves one vector in ten thins every list to a tenth.
        visited = min(self.nlist, math.ceil(visited * len(self) / count))
        while True:
            best, positions = self._index.search(
                rows, found, params=self._parameters(visited, passing)
            )
            if visited == self.nlist or (positions >= 0).all():
                break
            visited = min(self.nlist, 4 * visited)
        known = (positions >= 0) & (positions < len(self))
        matched = np.where(known, self._ids[np.where(known, positions, 0)], -1)
        best = np.where(known & np.isfinite(best), best, -np.inf).astype(np.float32)
        order = np.lexsort((matched, -best, ~known), axis=1)
        scores[:, :found] = np.take_along_axis(best, order, axis=1)
        ids[:, :found] = np.take_along_axis(matched, order, axis=1)
        return scores, ids

    def trained_bytes(self) -> bytes:
        """Return what was learnt from the vectors, without the vectors, as FAISS writes it."""
        lists, owned = self._lists.invlists, self._lists.own_invlists
        counts = self._lists.ntotal, self._index.ntotal
        empty = faiss.ArrayInvertedLists(self.nlist, self.code_size)
        # FAISS deletes lists that it owns when it gets others.
        self._lists.own_invlists = False
        try:
            self._lists.replace_invlists(empty, False)
            self._lists.ntotal = self._index.ntotal = 0
            return bytes(faiss.serialize_index(self._index).tobytes())
        finally:
            self._lists.replace_invlists(lists, owned)
            self._lists.ntotal, self._index.ntotal = counts

    def list_sizes(self) -> NDArray[np.int64]:
        """Return how many vectors each list has, shape (nlist,), int64."""
        lists = self._lists.invlists
        return np.array([lists.list_size(at) for at in range(self.nlist)], dtype=np.int64)

    def list_bytes(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return views of one list: its codes, flat, and the positions of its vectors."""
        lists = self._lists.invlists
        size = lists.list_size(number)
        if not size:
            return np.empty(0, dtype=np.uint8), np.empty(0, dtype=np.int64)
        codes: NDArray[np.uint8] = faiss.rev_swig_ptr(
            lists.get_codes(number), size * self.code_size
        )
        positions: NDArray[np.int64] = faiss.rev_swig_ptr(lists.get_ids(number), size)
        return codes, positions

    def _passing(
        self, allowed: ArrayLike | None, excluded: ArrayLike | None
    ) -> NDArray[np.bool_] | None:
        if allowed is None and (excluded is None or not np.size(excluded)):
            return None
        passing = np.ones(len(self), dtype=np.bool_)
        if allowed is not None:
            passing[:] = False
            passing[self._places(allowed)] = True
        if excluded is not None:
            passing[self._places(excluded)] = False
        return passing

    def _places(self, ids: ArrayLike) -> NDArray[np.int64]:
        wanted = as_ids(ids)
        places = np.searchsorted(self._ids, wanted)
        known = places < len(self._ids)
        known[known] = self._ids[places[known]] == wanted[known]
        return places[known]

    def _parameters(self, nprobe: int, passing: NDArray[np.bool_] | None) -> Any:  # noqa: ANN401  # FAISS has no type for mypy
        chosen = {} if passing is None else {"sel": selector(passing)}
        parameters = faiss.SearchParametersIVF(nprobe=nprobe, **chosen)
        if isinstance(self._index, faiss.IndexPreTransform):
            return faiss.SearchParametersPreTransform(index_params=parameters)
        return parameters


@dataclass(slots=True)
class Growing:
    """An index under construction: trained first, then filled block by block, then measured.

    While it is filled, the exact neighbours of a few queries are kept, so that the ANN recall is
    measured on everything without everything being in memory.
    """

    plan: IndexPlan
    index: Any
    query_ids: NDArray[np.int64]
    queries: NDArray[np.float32]
    neighbours: int = 10
    _ids: list[NDArray[np.int64]] = field(default_factory=list)
    _best: NDArray[np.float32] | None = None
    _nearest: NDArray[np.int64] | None = None

    @classmethod
    def train(
        cls,
        plan: IndexPlan,
        sample: NDArray[np.float32],
        *,
        query_ids: NDArray[np.int64],
        queries: NDArray[np.float32],
    ) -> Growing:
        """Learn the lists and codes from a sample.

        Args:
            plan: what index.
            sample: shape (n, dim), finite.
            query_ids: ids of the vectors that the ANN recall is measured with, shape (q,).
            queries: these vectors, shape (q, dim).

        Raises:
            UsageError: FAISS cannot make such an index, or not of so few vectors.
        """
        dim = sample.shape[1]
        inner = checked_factory(plan.factory, plan.reduced or dim)
        lists = faiss.extract_index_ivf(inner)
        lists.cp.niter = ITERATIONS
        lists.cp.min_points_per_centroid = 1
        lists.cp.max_points_per_centroid = 256
        if hasattr(lists, "pq"):
            lists.pq.cp.min_points_per_centroid = 1
        index = inner
        if plan.reduced:
            transform = faiss.LinearTransform(dim, plan.reduced, False)
            matrix = _principal_directions(sample, plan.reduced)
            faiss.copy_array_to_vector(matrix.ravel(), transform.A)
            transform.is_trained = True
            index = faiss.IndexPreTransform(transform, inner)
        try:
            index.train(np.ascontiguousarray(sample))
        except RuntimeError as error:
            raise UsageError(
                f"index: {plan.factory!r} cannot be trained on {len(sample)} vectors of {dim} "
                f"values ({_reason(error)}); choose another, or auto"
            ) from error
        return cls(plan=plan, index=index, query_ids=query_ids, queries=queries)

    def add(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Add a block; ids ascend from block to block.

        Args:
            ids: shape (n,).
            vectors: shape (n, dim), finite.
        """
        rows = np.ascontiguousarray(vectors)
        self.index.add(rows)
        self._ids.append(ids)
        kept = min(self.neighbours + 1, len(rows))
        best, places = faiss.knn(self.queries, rows, kept, metric=faiss.METRIC_INNER_PRODUCT)
        nearest = ids[places]
        if self._best is not None and self._nearest is not None:
            best = np.hstack([self._best, best])
            nearest = np.hstack([self._nearest, nearest])
        order = np.argsort(-best, axis=1, kind="stable")[:, : self.neighbours + 1]
        self._best = np.take_along_axis(best, order, axis=1)
        self._nearest = np.take_along_axis(nearest, order, axis=1)

    def finish(self, target: float = TARGET_RECALL) -> ApproximateIndex:
        """Return the index, searched with as few lists as reach the target ANN recall.

        Args:
            target: ANN recall@10 that is wanted; where the codes are too coarse for it, half of
                the lists are visited.
        """
        ids = np.concatenate(self._ids)
        untold = Measured(nprobe=1, recall=0.0, queries=len(self.queries))
        index = ApproximateIndex(self.index, ids, plan=self.plan, measured=untold)
        most = max(1, int(index.nlist * MOST_VISITED))
        visits = sorted({min(most, round(2 ** (step / 2))) for step in range(2, 40)})
        measured = untold
        for nprobe in visits:
            measured = Measured(
                nprobe=nprobe, recall=self._recall(index, nprobe), queries=len(self.queries)
            )
            if measured.recall >= target:
                break
        index.measured = measured
        return index

    def _recall(self, index: ApproximateIndex, nprobe: int) -> float:
        width = candidates_wanted(index.plan, self.neighbours) + 1
        _, found = index.search(self.queries, width, nprobe=nprobe)
        assert self._nearest is not None  # noqa: S101  # finish comes after add
        shares = []
        for own, near, candidates in zip(self.query_ids, self._nearest, found, strict=True):
            wanted = [item for item in near.tolist() if item != own][: self.neighbours]
            shares.append(len(set(wanted) & set(candidates.tolist())) / max(1, len(wanted)))
        return float(np.mean(shares)) if shares else 0.0


def candidates_wanted(plan: IndexPlan, k: int, *, spare: int = 16) -> int:
    """Return how many candidates of an index are scored exactly when k matches are wanted."""
    return plan.rescored * k + spare


def checked_factory(factory: str, dim: int) -> Any:  # noqa: ANN401  # FAISS has no type for mypy
    """Return FAISS's index for a factory string, untrained.

    Args:
        factory: such as "IVF4096,SQ8" or "OPQ40_160,IVF4096,PQ40".
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
            f"({_reason(error)}); {advice}"
        ) from error
    inner = (
        faiss.downcast_index(index.index) if isinstance(index, faiss.IndexPreTransform) else index
    )
    if not isinstance(inner, faiss.IndexIVF):
        raise UsageError(
            f"index: {factory!r} makes {type(inner).__name__}, which cannot be mapped from a file "
            f"and changed (scores are computed exactly in any case); {advice}"
        )
    if not isinstance(faiss.downcast_InvertedLists(inner.invlists), faiss.ArrayInvertedLists):
        raise UsageError(
            f"index: {factory!r} packs its codes in blocks, which cannot be mapped from a file; "
            f"{advice}"
        )
    return index


def restore(
    trained: bytes,
    lists: Any,  # noqa: ANN401  # FAISS has no type for mypy
    ids: NDArray[np.int64],
    *,
    plan: IndexPlan,
    measured: Measured,
) -> ApproximateIndex:
    """Return the index of what `trained_bytes` gave and lists.

    Args:
        trained: bytes whose checksum was verified, since FAISS believes whatever it reads.
        lists: FAISS's inverted lists.
        ids: of the vectors by position, ascending.
        plan: what it was made by.
        measured: how it is searched.

    Raises:
        ValueError: the lists do not fit what was trained.
    """
    index = faiss.deserialize_index(np.frombuffer(trained, dtype=np.uint8))
    inner = faiss.extract_index_ivf(index)
    if (inner.nlist, inner.code_size) != (lists.nlist, lists.code_size):
        raise ValueError("its lists are not those of its index")
    inner.replace_invlists(lists, False)
    inner.ntotal = index.ntotal = len(ids)
    found = ApproximateIndex(index, ids, plan=plan, measured=measured)
    found._kept = lists  # noqa: SLF001  # FAISS holds a bare pointer
    return found


def mapped_lists(path: str, length: int, *, code_size: int, places: NDArray[np.uint64]) -> Any:  # noqa: ANN401  # FAISS has no type for mypy
    """Return inverted lists that lie in a file and are read as they are visited.

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


def loaded_lists(data: bytes, *, code_size: int, sizes: Sequence[int]) -> Any:  # noqa: ANN401  # FAISS has no type for mypy
    """Return inverted lists in memory, for systems on which FAISS maps none.

    Args:
        data: for each list its codes, then its positions.
        code_size: bytes of a vector.
        sizes: how many vectors each list has.
    """
    lists = faiss.ArrayInvertedLists(len(sizes), code_size)
    at = 0
    for number, size in enumerate(sizes):
        codes = np.frombuffer(data, np.uint8, size * code_size, at)
        at += codes.nbytes
        # Copied, for they need not begin at a multiple of eight.
        positions = np.frombuffer(data[at : at + 8 * size], "<i8").astype(np.int64)
        at += positions.nbytes
        if size:
            lists.add_entries(number, size, faiss.swig_ptr(positions), faiss.swig_ptr(codes))
    return lists


def can_map() -> bool:
    """Say whether FAISS maps lists from files on this system."""
    return hasattr(faiss, "OnDiskInvertedLists")


def _principal_directions(sample: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return the directions (count, dim) that keep most of the inner products.

    They are not centred: the inner product of what they leave out is then all that is lost.
    """
    rows = sample[:: max(1, len(sample) // 20_000)].astype(np.float64)
    _, directions = np.linalg.eigh(rows.T @ rows)
    return np.ascontiguousarray(directions[:, ::-1][:, :count].T.astype(np.float32))


def _reason(error: Exception) -> str:
    """Return FAISS's message without the place in its source that it begins with."""
    return re.sub(r"^Error in .*?\.(?:cpp|h):\d+: (?:Error: )?", "", str(error), flags=re.DOTALL)
