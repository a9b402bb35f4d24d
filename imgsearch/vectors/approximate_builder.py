"""Train an approximate index on a sample, fill it block by block, and measure it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.vectors.approximate import ApproximateIndex
from imgsearch.vectors.faiss_library import faiss
from imgsearch.vectors.index_plan import (
    HALF,
    NOTHING,
    TARGET_RECALL,
    WHOLE,
    IndexPlan,
    candidates_wanted,
)
from imgsearch.vectors.inverted_lists import checked_factory, ivf_of, reason, scan, transformed
from imgsearch.vectors.kept_rows import HalfRows, KeptRows, WholeRows
from imgsearch.vectors.measured import Measured
from imgsearch.vectors.probes import Probes
from imgsearch.vectors.tuning import REFINEMENTS, Pair, Trial

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The k-means of the lists sees so many vectors for each of them, so many times.
TRAINING_FACTOR: Final = 40
ITERATIONS: Final = 10
# Where candidates are scored from the rows of the database, up to so many times as many.
MOST_RESCORED: Final = 8


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
    _kept: list[NDArray[np.float16] | NDArray[np.float32]] = field(default_factory=list)
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
        lists = ivf_of(inner)
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
                f"values ({reason(error)}); choose another, or auto"
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
        if self.plan.kept == HALF:
            self._kept.append(transformed(self.index, rows).astype(np.float16))
        elif self.plan.kept == WHOLE:
            self._kept.append(rows.copy())
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
        """Return the index, searched in the way that reaches the target ANN recall most cheaply.

        Args:
            target: ANN recall@10 that is wanted. Where nothing reaches it, what comes nearest is
                kept.
        """
        kept = self._kept_rows()
        untold = Measured(probes=Probes(nprobe=1), probed=0.0, refinement=0, recall=0.0, queries=0)
        index = ApproximateIndex(
            self.index, np.concatenate(self._ids), plan=self.plan, measured=untold, kept=kept
        )
        pair = self._tuned(index, target)
        index.measured = Measured(
            probes=pair.probes,
            probed=round(pair.probed, 2),
            refinement=pair.refinement,
            recall=self._recall(index, pair),
            queries=len(self.queries),
        )
        return index

    def _kept_rows(self) -> KeptRows | None:
        if self.plan.kept == NOTHING:
            return None
        count = sum(map(len, self._kept))
        values = np.empty((count, self._kept[0].shape[1]), self._kept[0].dtype)
        while self._kept:
            block = self._kept.pop()
            values[count - len(block) : count] = block
            count -= len(block)
        return WholeRows.of(values) if self.plan.kept == WHOLE else HalfRows(values)

    def _tuned(self, index: ApproximateIndex, target: float) -> Pair:
        """Return how to search; the plan's `rescored` grows where that is what it takes."""
        rescored = self.plan.rescored
        while True:
            wanted = candidates_wanted(index.plan, self.neighbours) + 1
            tried = [number for number in REFINEMENTS if number >= wanted]
            pair = self._trial(index, wanted, max(tried)).best(
                tried if index.kept is not None else [wanted], target
            )
            whole = self.plan.kept == WHOLE
            if whole or pair.recall >= target or index.plan.rescored >= MOST_RESCORED * rescored:
                return pair
            index.plan = replace(index.plan, rescored=2 * index.plan.rescored)

    def _trial(self, index: ApproximateIndex, wanted: int, most: int) -> Trial:
        """Return what the queries find in all lists.

        Args:
            index: not measured yet.
            wanted: how many candidates an answer's scores are computed of.
            most: how many there are at most before some are scored again.
        """
        seen = transformed(self.index, self.queries)
        products, numbers = index.centroids.nearest(seen)
        lists = ivf_of(self.index)
        sizes = index.list_sizes()
        width = min(most, len(index))
        _, positions = scan(lists, seen, width, numbers, products)
        ranks = np.full((len(seen), index.nlist + 1), index.nlist, np.int64)
        np.put_along_axis(ranks, numbers, np.arange(index.nlist)[np.newaxis], axis=1)
        nearness = np.take_along_axis(ranks, self._list_of(index)[positions], axis=1)
        nearness[positions < 0] = index.nlist
        neighbours = self._true_neighbours()
        ids = np.where(positions >= 0, index.ids[positions], -1)
        is_true = np.stack([np.isin(*pair) for pair in zip(ids, neighbours, strict=True)])
        if index.kept is not None and self.plan.kept == HALF:
            scores = index.kept.scores(self.queries, seen, positions)
            best = np.argsort(np.argsort(-scores, axis=1), axis=1)
            is_true &= best < wanted
        width_bytes = 0 if index.kept is None else 2 if self.plan.kept == HALF else 4
        return Trial(
            products=products,
            sizes=np.append(sizes, 0)[numbers],
            nearness=nearness,
            is_true=is_true,
            neighbours=sum(map(len, neighbours)),
            code_bytes=index.code_size,
            refined_bytes=width_bytes * seen.shape[1],
        )

    def _list_of(self, index: ApproximateIndex) -> NDArray[np.int64]:
        """Return the number of each vector's list, by position."""
        lists = ivf_of(self.index).invlists
        found = np.empty(len(index), np.int64)
        for number, size in enumerate(index.list_sizes().tolist()):
            if size:
                found[faiss.rev_swig_ptr(lists.get_ids(number), size)] = number
        return found

    def _true_neighbours(self) -> list[NDArray[np.int64]]:
        """Return the ids of each query's true neighbours, without itself."""
        assert self._nearest is not None  # noqa: S101  # finish comes after add
        return [
            near[near != own][: self.neighbours]
            for own, near in zip(self.query_ids, self._nearest, strict=True)
        ]

    def _recall(self, index: ApproximateIndex, pair: Pair) -> float:
        """Return what a search finds in fact."""
        width = candidates_wanted(index.plan, self.neighbours) + 1
        _, found = index.search(self.queries, width, probes=pair.probes, refinement=pair.refinement)
        shares = [
            len(np.intersect1d(near, candidates)) / max(1, len(near))
            for near, candidates in zip(self._true_neighbours(), found, strict=True)
        ]
        return float(np.mean(shares)) if shares else 0.0


def _principal_directions(sample: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return orthogonal directions (count, dim) that keep most of the inner products.

    They are not centred: the inner product of what they leave out is then all that is lost. They
    are turned at random among themselves, which changes no inner product and spreads what the
    first ones hold over all: codes give every pair of dimensions the same few bits (Jégou et al.
    2010, "Aggregating local descriptors into a compact image representation", section 4.2).
    """
    rows = sample[:: max(1, len(sample) // 20_000)].astype(np.float64)
    _, directions = np.linalg.eigh(rows.T @ rows)
    turned, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(count, count)))
    kept = turned @ directions[:, ::-1][:, :count].T
    return np.ascontiguousarray(kept.astype(np.float32))
