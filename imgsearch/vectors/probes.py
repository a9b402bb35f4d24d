"""Which inverted lists a query probes: those that hold most of the weight.

A list weighs exp(s / T), s being the inner product of the query and the list's centroid. A query
probes the heaviest lists until they hold a share of all weight. Where the gallery is dense a few
lists hold nearly all of it, where it is sparse many do, so queries of either kind find as much as
the other, and the mean number of lists is about half of what a fixed number needs for the same ANN
recall. SPANN prunes by a margin to the nearest centroid instead (Chen et al. 2021,
https://arxiv.org/abs/2111.08566), which does about as well; a share needs no scale of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from imgsearch.vectors.faiss_library import faiss

if TYPE_CHECKING:
    from numpy.typing import NDArray


# Of more lists than these, a query's own are looked for among so many of the nearest first.
FEW_LISTS: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """How many lists a query probes.

    Attributes:
        nprobe: the most lists, from 1 up (FAISS's nprobe).
        share: of all weight, 0 to 1, at which a query stops earlier; at 1 none does.
        temperature: T of the weights, in units of the inner product, above 0.
        factor: what the number of lists that comes of these is multiplied by, from 1 up.
    """

    nprobe: int
    share: float = 1.0
    temperature: float = 0.07
    factor: float = 1.0

    def widened(self, factor: float) -> Probes:
        """Return the rule by which so many times as many lists are probed."""
        return self if factor == self.factor else replace(self, factor=factor)


class Centroids:
    """The centroids of inverted lists.

    Attributes:
        values: shape (nlist, width), float32; None where FAISS searches them by other means.
    """

    def __init__(self, lists: Any, values: NDArray[np.float32] | None) -> None:  # noqa: ANN401  # FAISS has no type for mypy
        self.values = values
        self._lists = lists

    @classmethod
    def of(cls, lists: Any) -> Self:  # noqa: ANN401  # FAISS has no type for mypy
        """Return those of an IVF index."""
        quantizer = faiss.downcast_index(lists.quantizer)
        flat = isinstance(quantizer, faiss.IndexFlat)
        return cls(lists, quantizer.reconstruct_n(0, lists.nlist) if flat else None)

    def nearest(
        self, queries: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return inner products `(q, nlist)` with all, and their numbers, the nearest first."""
        if self.values is None:
            products, numbers = self._lists.quantizer.search(queries, self._lists.nlist)
            return products, numbers
        return nearest_lists(queries, self.values)

    def probed(
        self, queries: NDArray[np.float32], probes: Probes
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the lists that queries `(q, width)` probe.

        Returns:
            Inner products `(q, p)` with the centroids, and the lists' numbers, -1 behind those that
            a query probes.
        """
        if self.values is None:
            products, numbers = self.nearest(queries)
            return products, beyond_dropped(numbers, probe_counts(products, probes))
        scores = self._products(queries)
        row = np.arange(len(queries))[:, np.newaxis]
        few, total = FEW_LISTS, None
        # Sorting a part of them takes a quarter of the time, and the part nearly always suffices.
        while few < len(self.values):
            part = scores.argpartition(-few, axis=1)[:, -few:]
            near = scores[row, part]
            order = near.argsort(axis=1)[:, ::-1]
            numbers, products = part[row, order], near[row, order]
            if probes.share < 1 and total is None:
                total = np.exp((scores - products[:, :1]) / probes.temperature).sum(axis=1)
            counts = probe_counts(products, probes, total=total)
            if int(counts.max()) < few:
                return products, beyond_dropped(numbers, counts)
            few *= 4
        products, numbers = in_order(scores)
        return products, beyond_dropped(numbers, probe_counts(products, probes))

    def _products(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        assert self.values is not None  # noqa: S101  # who calls has looked
        rows = np.ascontiguousarray(queries)
        scores = np.empty((len(rows), len(self.values)), np.float32)
        # Not by BLAS, whose threads would spin between one block of queries and the next.
        for row, products in zip(rows, scores, strict=True):
            faiss.fvec_inner_products_ny(
                faiss.swig_ptr(products),
                faiss.swig_ptr(row),
                faiss.swig_ptr(self.values),
                rows.shape[1],
                len(self.values),
            )
        return scores


def beyond_dropped(numbers: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return lists' numbers `(q, p)` of which each query probes the first, as many as counted."""
    most = int(counts.max())
    return np.where(np.arange(most) < counts[:, np.newaxis], numbers[:, :most], -1)


def nearest_lists(
    queries: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return inner products `(q, nlist)` of all lists and their numbers, the nearest list first."""
    return in_order(queries @ centroids.T)


def in_order(scores: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return inner products `(q, nlist)`, descending, and the numbers of their lists."""
    numbers = np.argsort(-scores, axis=1)
    return np.take_along_axis(scores, numbers, axis=1), numbers


def probe_counts(
    scores: NDArray[np.float32], probes: Probes, *, total: NDArray[np.float32] | None = None
) -> NDArray[np.int64]:
    """Return how many lists each query probes, shape (q,), int64.

    Args:
        scores: inner products with the centroids, shape (q, nlist), descending; the first ones
            suffice, and are all that is counted.
        probes: the rule.
        total: the weight of all lists in units of the nearest one's, shape (q,), where the scores
            are not of all.
    """
    lists = scores.shape[1]
    most = min(probes.nprobe, lists)
    counts = np.full(len(scores), most, dtype=np.int64)
    if probes.share < 1:
        weights = np.exp((scores - scores[:, :1]) / probes.temperature)
        held = np.cumsum(weights, axis=1)
        whole = held[:, -1:] if total is None else total[:, np.newaxis]
        counts = np.minimum((held < probes.share * whole).sum(axis=1) + 1, most)
    least: NDArray[np.int64] = np.minimum(np.ceil(counts * probes.factor), lists).astype(np.int64)
    return least
