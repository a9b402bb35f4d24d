"""Approximate search: vectors lie compressed in inverted lists, and a query probes the nearest.

The inverted file (IVF) of Jégou, Douze and Schmid, "Product quantization for nearest neighbor
search" (2011), as FAISS has it. It only finds candidates; their scores are computed elsewhere from
what is stored exactly. So a damaged code can cost a match, and can never give one a wrong score.

Where codes are coarse, the vectors lie beside the lists as float16 too, and the best by their codes
are scored again with those before anyone sees them.

FAISS is given arrays or bytes whose checksum was verified. The lists themselves may be mapped
from a file unread: whatever stands in them, FAISS only adds up numbers, and a position that no
vector has is dropped here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.vectors.exact import as_ids, faiss, selector, without_answers
from imgsearch.vectors.inverted_lists import (
    block_of,
    ivf_of,
    list_bytes,
    trained_bytes,
    transformed,
)
from imgsearch.vectors.probes import Probes, nearest_lists, probe_counts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from imgsearch.vectors.index_plan import IndexPlan

# So many of the best by coarse codes are scored again, or this multiple of what is asked for.
REFINED_LEAST: Final = 200
REFINED_FACTOR: Final = 5
# A query that leaves out this few, such as the query image, finds as many more instead.
FEW_EXCLUDED: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How well an approximate index finds what exact search finds, and what for.

    Attributes:
        probes: how many lists a query probes.
        probed: lists that the queries below probe on average.
        recall: ANN recall@10 against exact search, the candidates scored exactly.
        queries: how many of the gallery's own embeddings were the queries.
    """

    probes: Probes
    probed: float
    recall: float
    queries: int


class ApproximateIndex:
    """Inner-product search in inverted lists, for vectors that never change.

    Attributes:
        plan: what the index was made by.
        measured: how many lists a query probes, and the ANN recall of that.
    """

    def __init__(
        self,
        trained: Any,  # noqa: ANN401  # FAISS has no type for mypy
        ids: NDArray[np.int64],
        *,
        plan: IndexPlan,
        measured: Measured,
        refined: NDArray[np.float16] | None = None,
        lists: Any = None,  # noqa: ANN401  # FAISS has no type for mypy
    ) -> None:
        """Put a FAISS index to work.

        Args:
            trained: an IVF index, behind a linear transform or not, whose ids are positions.
            ids: of the vectors by position, shape (n,), ascending.
            plan: what it was made by.
            measured: how it is searched.
            refined: the vectors by position, behind the transform, shape (n, width); None where
                the codes are all there is.
            lists: kept alive with the index, for FAISS holds a bare pointer to lists it was given.
        """
        self.plan = plan
        self.measured = measured
        self.refined = refined
        self._index = trained
        self._lists = ivf_of(trained)
        # Each query brings its own lists, as many as it probes; FAISS has to expect them all.
        self._lists.nprobe = self._lists.nlist
        quantizer = faiss.downcast_index(self._lists.quantizer)
        self._centroids: NDArray[np.float32] | None = None
        if isinstance(quantizer, faiss.IndexFlat):
            self._centroids = quantizer.reconstruct_n(0, self.nlist)
        self._ids = ids
        self._kept = lists

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
    def block(self) -> int:
        """How many vectors' codes are interleaved; 1 for none."""
        return block_of(self._lists)

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
        probes: Probes | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return k candidates for each query, best first by approximate scores.

        Filters act inside the search; where they leave few vectors more lists are probed, all
        when need be, so that k are returned whenever k pass.

        Args:
            queries: shape (q, dim), finite.
            k: how many candidates, from 1 up.
            allowed: when given, only these ids can match; unknown ones are ignored.
            excluded: these ids can not match, allowed or not.
            probes: how many lists are probed; None for what was measured.

        Returns:
            Approximate scores (q, k) float32 and ids (q, k) int64; -inf and -1 where fewer exist.

        Raises:
            UsageError: the queries are not finite rows of the index's dim, or k is below 1.
        """
        rows, scores, ids = without_answers(queries, k, dim=self.dim)
        passing = self._passing(allowed, excluded)
        count = len(self) if passing is None else int(np.count_nonzero(passing))
        found = min(k, count)
        if not found or not len(rows):
            return scores, ids
        rows = transformed(self._index, rows)
        best, positions = self._candidates(
            rows, found, passing=passing, probes=probes or self.measured.probes
        )
        known = (positions >= 0) & (positions < len(self))
        if passing is not None:
            known[known] = passing[positions[known]]
        if self.refined is not None:
            best = self._refined_scores(rows, positions, known)
        matched = np.where(known, self._ids[np.where(known, positions, 0)], -1)
        best = np.where(known & np.isfinite(best), best, -np.inf).astype(np.float32)
        order = np.lexsort((matched, -best, ~known), axis=1)[:, :found]
        scores[:, :found] = np.take_along_axis(best, order, axis=1)
        ids[:, :found] = np.take_along_axis(matched, order, axis=1)
        return scores, ids

    def mean_probed(self, queries: NDArray[np.float32], probes: Probes) -> float:
        """Return how many lists queries `(q, dim)` probe on average."""
        if self._centroids is None:
            return float(min(probes.nprobe, self.nlist))
        scores, _ = nearest_lists(transformed(self._index, queries), self._centroids)
        return float(probe_counts(scores, probes).mean())

    def _candidates(
        self,
        rows: NDArray[np.float32],
        wanted: int,
        *,
        passing: NDArray[np.bool_] | None,
        probes: Probes,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the best by their codes, and their positions, -1 where there are fewer.

        Lists are added until as many are found as are wanted, or all are probed.
        """
        count = len(self) if passing is None else int(np.count_nonzero(passing))
        width = wanted
        if self.refined is not None:
            width = min(count, max(REFINED_LEAST, REFINED_FACTOR * wanted))
        left_out = len(self) - count
        filtering = left_out > FEW_EXCLUDED
        if filtering:
            needed = wanted
        else:
            # They are dropped after the search.
            needed, width = wanted + left_out, width + left_out
        counts, numbers, products = self._probes(rows, probes)
        # A filter that leaves one vector in ten thins every list to a tenth.
        counts = np.minimum(self.nlist, np.ceil(counts * (len(self) / count)).astype(np.int64))
        while True:
            if filtering or self._centroids is None:
                chosen = {} if passing is None else {"sel": selector(passing)}
                best, positions = self._lists.search(
                    rows,
                    width,
                    params=faiss.SearchParametersIVF(nprobe=int(counts.max()), **chosen),
                )
            else:
                beyond = np.arange(self.nlist) >= counts[:, np.newaxis]
                best, positions = self._lists.search_preassigned(
                    rows, width, np.where(beyond, -1, numbers), products
                )
            short = ((positions >= 0).sum(axis=1) < needed) & (counts < self.nlist)
            if not short.any():
                return best, positions
            counts = np.where(short, np.minimum(self.nlist, 4 * counts), counts)

    def _probes(
        self, rows: NDArray[np.float32], probes: Probes
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Return how many lists each query probes, all lists' numbers and their products."""
        if self._centroids is None:
            most = min(probes.nprobe, self.nlist)
            nothing = np.empty((len(rows), 0))
            return (
                np.full(len(rows), most),
                nothing.astype(np.int64),
                nothing.astype(np.float32),
            )
        products, numbers = nearest_lists(rows, self._centroids)
        return probe_counts(products, probes), numbers, products

    def _refined_scores(
        self, rows: NDArray[np.float32], positions: NDArray[np.int64], known: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        assert self.refined is not None  # noqa: S101  # who calls has looked
        scores = np.full(positions.shape, -np.inf, dtype=np.float32)
        # Damaged numbers may be infinite or none; they are dropped like damaged positions.
        with np.errstate(invalid="ignore", over="ignore"):
            for line, (row, some, right) in enumerate(zip(rows, positions, known, strict=True)):
                scores[line, right] = self.refined[some[right]].astype(np.float32) @ row
        return scores

    def trained_bytes(self) -> bytes:
        """Return what was learnt from the vectors, without the vectors, as FAISS writes it."""
        return trained_bytes(self._index)

    def list_sizes(self) -> NDArray[np.int64]:
        """Return how many vectors each list has, shape (nlist,), int64."""
        lists = self._lists.invlists
        return np.array([lists.list_size(at) for at in range(self.nlist)], dtype=np.int64)

    def list_bytes(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return a list's codes, flat, and its vectors' positions, as they stand in a file."""
        return list_bytes(self._lists, number)

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
