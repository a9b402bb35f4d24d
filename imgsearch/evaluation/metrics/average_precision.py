"""Rectangular average precision (AP), and its mean over queries (mAP).

AP is the mean, over all relevant items, of the precision at the rank where each is found:

    AP = (1 / R) Σ_j j / r_j

with R relevant items at the ranks r_1 < r_2 < … < r_R, counted from 1. It is the area under the
precision-recall curve taken as a staircase: Manning, Raghavan and Schütze, "Introduction to
Information Retrieval" (2008), section 8.4. Holidays and ROxford take trapezoids instead, which
gives other figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.evaluation.metrics.rankings import ranks_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Queries at a time, so that scores against a large gallery never exist all at once.
_BLOCK: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanAveragePrecision:
    """The mean over all queries that have something to find.

    Attributes:
        value: mAP, from 0 to 1; NaN without a single query that counts.
        queries: how many queries the mean is taken over.
        skipped: how many queries have no relevant item and are left out.
    """

    value: float
    queries: int
    skipped: int


def average_precision(relevant: ArrayLike) -> float:
    """Return the average precision of one whole ranking.

    Args:
        relevant: whether each item counts as correct, best first, shape (n,), boolean. The query
            itself is not among them.

    Returns:
        AP from 0 to 1; NaN where nothing is relevant, since there is nothing to average.

    Raises:
        UsageError: the array is not one-dimensional and boolean.
    """
    ranking = np.asarray(relevant)
    if ranking.ndim != 1 or ranking.dtype != np.bool_:
        raise UsageError(f"a ranking of {ranking.dtype} {ranking.shape} is not a list of booleans")
    ranks = np.flatnonzero(ranking) + 1
    return float(rectangular(ranks, np.array([0, len(ranks)]))[0])


def rectangular(ranks: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the average precision of several rankings, from the ranks of their relevant items.

    Args:
        ranks: counted from 1, ascending within each ranking, shape (sum of R,).
        offsets: the ranks of ranking i are `ranks[offsets[i] : offsets[i + 1]]`, shape (q + 1,).

    Returns:
        AP from 0 to 1, shape (q,); NaN for a ranking without relevant items.
    """
    counts = np.diff(offsets)
    owners = np.repeat(np.arange(len(counts)), counts)
    precisions = (np.arange(len(ranks)) - offsets[owners] + 1) / ranks
    sums = np.bincount(owners, weights=precisions, minlength=len(counts))
    means = np.full(len(counts), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def average_precisions(
    queries: NDArray[np.floating[Any]],
    gallery: NDArray[np.floating[Any]],
    *,
    query_ids: ArrayLike,
    gallery_ids: ArrayLike,
    query_labels: ArrayLike,
    gallery_labels: ArrayLike,
) -> NDArray[np.float64]:
    """Return the average precision of every query over the whole gallery.

    The score is the inner product, larger is nearer. A gallery item with the query's own id is
    left out of that query's ranking, wherever it ranks; an item with the query's label is
    relevant. Equal scores rank by id, ascending, so that no order of the input decides.

    Args:
        queries: shape (q, dim), floating point, finite.
        gallery: shape (n, dim), floating point, finite.
        query_ids: shape (q,), integers.
        gallery_ids: shape (n,), integers, each once.
        query_labels: shape (q,), integers or strings.
        gallery_labels: shape (n,), of the same kind.

    Returns:
        AP from 0 to 1, shape (q,), float64; NaN for a query with nothing relevant.

    Raises:
        UsageError: the shapes do not fit, a gallery id occurs twice, or a value is not finite.
    """
    own, ids = np.asarray(query_ids), np.asarray(gallery_ids)
    wanted, labels = np.asarray(query_labels), np.asarray(gallery_labels)
    _check(queries, own, wanted, what="queries")
    _check(gallery, ids, labels, what="gallery")
    if queries.shape[1] != gallery.shape[1]:
        raise UsageError(
            f"queries of dim {queries.shape[1]} do not fit a gallery of dim {gallery.shape[1]}"
        )
    by_id = np.argsort(ids, kind="stable")
    ids, labels, items = ids[by_id], labels[by_id], gallery[by_id]
    if np.any(ids[1:] == ids[:-1]):
        raise UsageError("gallery: an id occurs twice; each item needs its own")
    ranks = [np.empty(0, dtype=np.int64)]
    for start in range(0, len(queries), _BLOCK):
        rows = slice(start, start + _BLOCK)
        # (b, dim) @ (dim, n) -> (b, n)
        scores = queries[rows] @ items.T
        itself = own[rows, None] == ids
        relevant = (wanted[rows, None] == labels) & ~itself
        # Last and not relevant: it takes no place before anything that counts.
        scores[itself] = -np.inf
        ranks += [
            ranks_of(row, np.flatnonzero(found))
            for row, found in zip(scores, relevant, strict=True)
        ]
    offsets = np.cumsum([len(some) for some in ranks])
    return rectangular(np.concatenate(ranks), offsets)


def mean_average_precision(
    embeddings: NDArray[np.floating[Any]], labels: ArrayLike
) -> MeanAveragePrecision:
    """Return the mAP with every embedding a query against all the others.

    Args:
        embeddings: shape (n, dim), floating point, finite; unit rows for cosine similarity.
        labels: shape (n,), integers or strings; equal means relevant to each other.

    Raises:
        UsageError: the shapes do not fit, or a value is not finite.
    """
    ids = np.arange(len(embeddings))
    precisions = average_precisions(
        embeddings,
        embeddings,
        query_ids=ids,
        gallery_ids=ids,
        query_labels=labels,
        gallery_labels=labels,
    )
    return mean_over_queries(precisions)


def mean_over_queries(precisions: NDArray[np.float64]) -> MeanAveragePrecision:
    """Return the mean of the average precisions of all queries that have something to find.

    Args:
        precisions: shape (q,), float64, NaN for a query with nothing relevant.
    """
    counted = precisions[~np.isnan(precisions)]
    return MeanAveragePrecision(
        value=float(counted.mean()) if len(counted) else float("nan"),
        queries=len(counted),
        skipped=len(precisions) - len(counted),
    )


def _check(
    rows: NDArray[np.floating[Any]], ids: NDArray[Any], labels: NDArray[Any], *, what: str
) -> None:
    if rows.ndim != 2 or ids.shape != (len(rows),) or labels.shape != (len(rows),):  # noqa: PLR2004
        raise UsageError(
            f"{what}: rows {rows.shape}, ids {ids.shape} and labels {labels.shape} do not fit; "
            "expected (n, dim), (n,) and (n,)"
        )
    if not np.isfinite(rows).all():
        raise UsageError(f"{what}: some values are not finite")
