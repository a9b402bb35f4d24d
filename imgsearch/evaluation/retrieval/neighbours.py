"""The nearest rows of a gallery, block by block: what post-processing begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Queries at a time, so that scores against a large gallery never exist all at once.
BLOCK: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbours:
    """The nearest rows of a gallery, best first.

    Attributes:
        positions: rows of the gallery, shape (q, k), int64; -1 where there are fewer than k.
        scores: their inner products with the query, shape (q, k), float32; -inf beside -1.
    """

    positions: NDArray[np.int64]
    scores: NDArray[np.float32]


def nearest(
    queries: NDArray[np.floating[Any]],
    gallery: NDArray[np.floating[Any]],
    *,
    k: int,
    excluded: Sequence[NDArray[np.int64]],
) -> Neighbours:
    """Return the k nearest rows of a gallery for every query.

    Equal scores are ordered by position, ascending.

    Args:
        queries: shape (q, dim), finite.
        gallery: shape (n, dim), finite.
        k: how many, from 0 up.
        excluded: for every query the rows of the gallery that it must not use, int64.

    Raises:
        UsageError: the shapes do not fit, a value is not finite, or k is below 0.
    """
    check_rows(queries, gallery, excluded)
    if k < 0:
        raise UsageError(f"k: {k} is not a number of neighbours")
    positions = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    columns = gallery.astype(np.float32, copy=False).T
    for start in range(0, len(queries) if k else 0, BLOCK):
        # (b, dim) @ (dim, n) -> (b, n)
        block = queries[start : start + BLOCK].astype(np.float32, copy=False) @ columns
        for row, (products, left_out) in enumerate(
            zip(block, excluded[start : start + BLOCK], strict=True), start=start
        ):
            products[left_out] = -np.inf
            best = _largest(products, k)
            positions[row, : len(best)] = best
            scores[row, : len(best)] = products[best]
    return Neighbours(positions=positions, scores=scores)


def check_rows(
    queries: NDArray[np.floating[Any]],
    gallery: NDArray[np.floating[Any]],
    excluded: Sequence[NDArray[np.int64]],
) -> None:
    """Refuse queries, a gallery and exclusions that do not fit each other.

    Raises:
        UsageError: the shapes do not fit, a value is not finite, or a row is not in the gallery.
    """
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:  # noqa: PLR2004
        raise UsageError(
            f"queries {queries.shape} and gallery {gallery.shape} are not rows of one length; "
            "expected (q, dim) and (n, dim)"
        )
    if len(excluded) != len(queries):
        raise UsageError(
            f"excluded: {len(excluded)} lists for {len(queries)} queries; give one for each"
        )
    if not (np.isfinite(queries).all() and np.isfinite(gallery).all()):
        raise UsageError("queries or gallery: some values are not finite")
    for rows in excluded:
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(gallery):
            raise UsageError(
                f"excluded: {rows.tolist()} are not all rows of a gallery of {len(gallery)}"
            )


def _largest(scores: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Return where the k largest scores above -inf are, best first, ties by position."""
    least = np.float32(-np.inf)
    if len(scores) > k:
        # Only what reaches the k-th largest is sorted, ties included.
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
    candidates = np.flatnonzero((scores >= least) & (scores > -np.inf))
    return candidates[np.argsort(-scores[candidates], kind="stable")][:k]
