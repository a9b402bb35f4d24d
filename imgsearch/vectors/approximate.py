"""Approximate search: vectors lie compressed in inverted lists, and a query probes the nearest.

The inverted file (IVF) of Jégou, Douze and Schmid, "Product quantization for nearest neighbor
search" (2011), as FAISS has it. It only finds candidates; their scores are computed elsewhere from
what is stored exactly. So a damaged code can cost a match, and can never give one a wrong score.

Where codes are coarse, the vectors lie beside the lists, and the best by their codes are scored
again with those before anyone sees them.

FAISS is given arrays or bytes whose checksum was verified. The lists themselves may be mapped
from a file unread: whatever stands in them, FAISS only adds up numbers, and a position that no
vector has is dropped here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.vectors.exact import as_ids, selector, without_answers
from imgsearch.vectors.id_places import IdPlaces
from imgsearch.vectors.inverted_lists import (
    NO_POSITION,
    block_of,
    ivf_of,
    list_bytes,
    scan,
    trained_bytes,
    transformed,
)
from imgsearch.vectors.kept_rows import WholeRows
from imgsearch.vectors.probes import Centroids, beyond_dropped, probe_counts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from imgsearch.vectors.index_plan import IndexPlan
    from imgsearch.vectors.kept_rows import KeptRows
    from imgsearch.vectors.measured import Measured
    from imgsearch.vectors.probes import Probes

# A query that leaves out this few, such as the query image, finds as many more instead.
FEW_EXCLUDED: Final = 64
# Where a filter leaves no more, they are all scored, and the lists are not asked.
FEW_ALLOWED: Final = 20_000


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
        kept: KeptRows | None = None,
        lists: Any = None,  # noqa: ANN401  # FAISS has no type for mypy
    ) -> None:
        """Put a FAISS index to work.

        Args:
            trained: an IVF index, behind a linear transform or not, whose ids are positions.
            ids: of the vectors by position, shape (n,), ascending.
            plan: what it was made by.
            measured: how it is searched.
            kept: the vectors by position; None where the codes are all there is.
            lists: kept alive with the index, for FAISS holds a bare pointer to lists it was given.
        """
        self.plan = plan
        self.measured = measured
        self.kept = kept
        self._index = trained
        self._lists = ivf_of(trained)
        self.centroids = Centroids.of(self._lists)
        self._places = IdPlaces(ids)
        self._ids = ids
        self._alive = lists

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
        refinement: int | None = None,
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
            refinement: how many candidates are scored again where that is done; likewise.

        Returns:
            Approximate scores (q, k) float32 and ids (q, k) int64; -inf and -1 where fewer exist.

        Raises:
            UsageError: the queries are not finite rows of the index's dim, or k is below 1.
        """
        rows, scores, ids = without_answers(queries, k, dim=self.dim)
        gone = np.empty(0, np.int64) if excluded is None else self.places(excluded)
        passing = None
        if allowed is not None or len(gone) > FEW_EXCLUDED:
            passing = np.ones(len(self), dtype=np.bool_)
            if allowed is not None:
                passing[:] = False
                passing[self.places(allowed)] = True
            passing[gone] = False
            gone = gone[:0]
            count = int(np.count_nonzero(passing))
        else:
            count = len(self) - len(gone)
        found = min(k, count)
        if not found or not len(rows):
            return scores, ids
        seen = transformed(self._index, rows)
        measured = self.measured
        if refinement is not None:
            measured = replace(measured, refinement=refinement)
        if passing is not None and self.kept is not None and count <= FEW_ALLOWED:
            places = np.flatnonzero(passing)
            best, positions = self._best_of(rows, seen, places, found)
        else:
            best, positions = self._candidates(
                seen,
                found,
                passing=passing,
                gone=gone,
                probes=probes or measured.probes_for(k),
                width=found if self.kept is None else measured.refinement_for(found),
            )
            known = (positions >= 0) & (positions < len(self))
            if len(gone):
                known &= ~np.isin(positions, gone)
            if passing is not None:
                known[known] = passing[positions[known]]
            positions = np.where(known, positions, NO_POSITION)
            if self.kept is None:
                best = np.where(known, best, -np.inf)
            else:
                best = self.kept.scores(rows, seen, positions)
            best, positions = _nearest(best, positions, found)
        known = positions >= 0
        matched = np.where(known, self._ids[positions], -1)
        # Damaged numbers may be infinite or none.
        best = np.where(known & np.isfinite(best), best, -np.inf)
        order = np.lexsort((matched, -best, ~known), axis=1)
        row = np.arange(len(rows))[:, np.newaxis]
        scores[:, :found] = best[row, order]
        ids[:, :found] = matched[row, order]
        return scores, ids

    def read(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return which ids' vectors (m,) lie whole beside the lists, and these (w, dim)."""
        if not isinstance(self.kept, WholeRows):
            return np.zeros(len(ids), np.bool_), np.empty((0, self.dim), np.float32)
        known, places = self._places.find(ids)
        if known.all():
            return self.kept.read(places)
        whole, rows = self.kept.read(places[known])
        known[known] = whole
        return known, rows

    def mean_probed(self, queries: NDArray[np.float32], probes: Probes) -> float:
        """Return how many lists queries `(q, dim)` probe on average."""
        products, _ = self.centroids.nearest(transformed(self._index, queries))
        return float(probe_counts(products, probes).mean())

    def _best_of(
        self,
        rows: NDArray[np.float32],
        seen: NDArray[np.float32],
        places: NDArray[np.int64],
        wanted: int,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the best of the vectors at some places by the vectors that are kept."""
        assert self.kept is not None  # noqa: S101  # who calls has looked
        scores = np.empty((len(rows), wanted), np.float32)
        positions = np.empty((len(rows), wanted), np.int64)
        for line in range(len(rows)):
            one = slice(line, line + 1)
            best = self.kept.scores(rows[one], seen[one], places[np.newaxis])
            scores[one], positions[one] = _nearest(best, places[np.newaxis], wanted)
        return scores, positions

    def _candidates(
        self,
        seen: NDArray[np.float32],
        wanted: int,
        *,
        passing: NDArray[np.bool_] | None,
        gone: NDArray[np.int64],
        probes: Probes,
        width: int,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the best by their codes, and their positions, -1 where there are fewer.

        Lists are added until as many are found as are wanted, or all are probed.
        """
        count = len(self) if passing is None else int(np.count_nonzero(passing))
        # Those that are gone are dropped after the search.
        needed, width = wanted + len(gone), min(width + len(gone), count)
        chosen = None if passing is None else selector(passing)
        # A filter that leaves one vector in ten thins every list to a tenth.
        thinned = len(self) / (count - len(gone))
        products, numbers = self.centroids.probed(seen, probes.widened(probes.factor * thinned))
        while True:
            best, positions = scan(self._lists, seen, width, numbers, products, chosen)
            counts = (numbers >= 0).sum(axis=1)
            short = ((positions >= 0).sum(axis=1) < needed) & (counts < self.nlist)
            if not short.any():
                return best, positions
            products, numbers = self.centroids.nearest(seen)
            counts = np.where(short, np.minimum(self.nlist, 4 * counts), counts)
            numbers = beyond_dropped(numbers, counts)

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

    def places(self, ids: ArrayLike) -> NDArray[np.int64]:
        """Return the positions of those ids that the index has."""
        known, places = self._places.find(as_ids(ids))
        return places[known]


def _nearest(
    scores: NDArray[np.float32], positions: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the best of each row, in no order."""
    if scores.shape[1] <= count:
        return scores, positions
    best = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    row = np.arange(len(scores))[:, np.newaxis]
    return scores[row, best], positions[row, best]
