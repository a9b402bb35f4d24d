"""Train an approximate index on a sample, fill it block by block, and measure it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.vectors.approximate import ApproximateIndex, Measured
from imgsearch.vectors.exact import faiss
from imgsearch.vectors.index_plan import TARGET_RECALL, IndexPlan, candidates_wanted
from imgsearch.vectors.inverted_lists import checked_factory, ivf_of, reason, transformed
from imgsearch.vectors.probes import Probes

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The k-means of the lists sees so many vectors for each of them, so many times.
TRAINING_FACTOR: Final = 40
ITERATIONS: Final = 10
# A rule that probes more than this share of the lists is slower than exact search.
MOST_PROBED: Final = 0.5
# What is tried; inner products of unit vectors with their centroids differ by some tenths.
SHARES: Final = (
    0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.83, 0.86, 0.89, 0.92, 0.94, 0.96,
    0.975, 0.985, 0.992, 0.997, 1.0,
)  # fmt: skip
TEMPERATURES: Final = (0.02, 0.035, 0.05, 0.07, 0.1)


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
    _refined: list[NDArray[np.float16]] = field(default_factory=list)
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
        if self.plan.refined:
            self._refined.append(transformed(self.index, rows).astype(np.float16))
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
        """Return the index, searched by the rule that reaches the target ANN recall most cheaply.

        Args:
            target: ANN recall@10 that is wanted, with the fewest lists probed on average; where
                no rule reaches it, the one that comes nearest is kept. None probes more than half
                of the lists.
        """
        ids = np.concatenate(self._ids)
        refined = None
        if self._refined:
            refined = np.empty((len(ids), self._refined[0].shape[1]), np.float16)
            end = len(ids)
            while self._refined:
                block = self._refined.pop()
                refined[end - len(block) : end] = block
                end -= len(block)
        most = Probes(nprobe=max(1, int(ivf_of(self.index).nlist * MOST_PROBED)))
        untold = Measured(probes=most, probed=0.0, recall=0.0, queries=len(self.queries))
        index = ApproximateIndex(self.index, ids, plan=self.plan, measured=untold, refined=refined)
        tried = [self._least(index, rules, target) for rules in _rules(most)]
        enough = [measured for measured in tried if measured.recall >= target]
        index.measured = (
            min(enough, key=lambda measured: measured.probed)
            if enough
            else max(tried, key=lambda measured: measured.recall)
        )
        return index

    def _least(self, index: ApproximateIndex, rules: list[Probes], target: float) -> Measured:
        """Return the first of rules, which probe ever more lists, that reaches the target."""
        low, high = 0, len(rules) - 1
        while low < high:
            middle = (low + high) // 2
            if self._recall(index, rules[middle]) >= target:
                high = middle
            else:
                low = middle + 1
        return Measured(
            probes=rules[low],
            probed=round(index.mean_probed(self.queries, rules[low]), 2),
            recall=self._recall(index, rules[low]),
            queries=len(self.queries),
        )

    def _recall(self, index: ApproximateIndex, probes: Probes) -> float:
        width = candidates_wanted(index.plan, self.neighbours) + 1
        _, found = index.search(self.queries, width, probes=probes)
        assert self._nearest is not None  # noqa: S101  # finish comes after add
        shares = []
        for own, near, candidates in zip(self.query_ids, self._nearest, found, strict=True):
            wanted = [item for item in near.tolist() if item != own][: self.neighbours]
            shares.append(len(set(wanted) & set(candidates.tolist())) / max(1, len(wanted)))
        return float(np.mean(shares)) if shares else 0.0


def _rules(most: Probes) -> list[list[Probes]]:
    """Return what is tried: fixed numbers of lists, and shares of their weight."""
    if most.nprobe == 1:
        return [[most]]
    fixed = sorted({min(most.nprobe, round(2 ** (step / 2))) for step in range(40)})
    weighed = [
        [Probes(nprobe=most.nprobe, share=share, temperature=temperature) for share in SHARES]
        for temperature in TEMPERATURES
    ]
    return [[Probes(nprobe=nprobe) for nprobe in fixed], *weighed]


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
