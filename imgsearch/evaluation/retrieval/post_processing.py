"""Post-processing: what can be made of the nearest neighbours before a ranking is read.

Query expansion and database augmentation move embeddings towards their neighbours; k-reciprocal
re-ranking compares whose neighbours two images share. All need several right answers for each
query, and harm where there are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.evaluation.retrieval.neighbours import check_rows, nearest
from imgsearch.evaluation.retrieval.reciprocal import ReciprocalNeighbours
from imgsearch.search.query_expansion import expanded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from imgsearch.evaluation.metrics.rankings import ScoreBlocks


def expand_queries(
    queries: NDArray[np.floating[Any]],
    gallery: NDArray[np.floating[Any]],
    *,
    k: int,
    alpha: float,
    excluded: Sequence[NDArray[np.int64]],
) -> NDArray[np.float32]:
    """Move every query towards its k nearest rows of the gallery.

    α query expansion, as `imgsearch.search.query_expansion.expanded` defines it (Radenović, Tolias
    and Chum 2018); α = 0 is average query expansion (Chum et al. 2007).

    Args:
        queries: unit rows, shape (q, dim). Not modified.
        gallery: unit rows, shape (n, dim).
        k: how many neighbours, from 0 (nothing is moved) up.
        alpha: the power of a neighbour's score that weighs it, from 0 up.
        excluded: for every query the rows of the gallery that it must not use: itself. Junk of a
            ground truth does not belong here; a user's search would not know it.

    Returns:
        Shape (q, dim), float32, unit rows.

    Raises:
        UsageError: the shapes do not fit, a value is not finite, or k or alpha is below 0.
    """
    if not 0 <= alpha < np.inf:
        raise UsageError(f"alpha: {alpha} is not finite and 0 or more")
    near = nearest(queries, gallery, k=k, excluded=excluded)
    moved = np.empty(queries.shape, dtype=np.float32)
    for row, (positions, scores) in enumerate(zip(near.positions, near.scores, strict=True)):
        there = positions >= 0
        moved[row] = expanded(queries[row], gallery[positions[there]], scores[there], alpha=alpha)
    return moved


def augment(gallery: NDArray[np.floating[Any]], *, k: int, alpha: float) -> NDArray[np.float32]:
    """Move every row of a gallery towards its k nearest other rows.

    x'_i = x_i + Σ_j max(s_ij, 0)^α x_j over the k nearest others, then to unit length: database
    augmentation, after Turcot and Lowe, "Better matching with fewer features" (2009), who join
    the features of linked images, and Arandjelović and Zisserman, "Three things everyone should
    know to improve object retrieval" (2012), section 5; weighed as in α query expansion
    (Radenović, Tolias and Chum 2018). All rows are moved at once, each towards where the others
    were before.

    Args:
        gallery: unit rows, shape (n, dim). Not modified.
        k: how many neighbours, from 0 (nothing is moved) up.
        alpha: the power of a neighbour's score that weighs it, from 0 up.

    Returns:
        Shape (n, dim), float32, unit rows.

    Raises:
        UsageError: the shape is not (n, dim), a value is not finite, or k or alpha is below 0.
    """
    itself = np.arange(len(gallery), dtype=np.int64)[:, np.newaxis]
    return expand_queries(gallery, gallery, k=k, alpha=alpha, excluded=tuple(itself))


def reciprocal_scores(
    queries: NDArray[np.floating[Any]],
    gallery: NDArray[np.floating[Any]],
    *,
    query_rows: NDArray[np.int64],
    k1: int,
    k2: int,
    weight: float,
    excluded: Sequence[NDArray[np.int64]],
) -> ScoreBlocks:
    """Return the scores of k-reciprocal re-ranking.

    From Zhong, Zheng, Cao and Li, "Re-ranking person re-identification with k-reciprocal
    encoding" (2017): two images are alike when they have the same k-reciprocal neighbours. The
    score is (1 - λ) J + λ s with the Jaccard similarity J of two images' encodings
    (`reciprocal.ReciprocalNeighbours`), their inner product s, and λ = `weight`: 1 less the
    paper's distance (1 - λ) d_J + λ d, where d_J = 1 - J and d = 1 - s, half the squared
    Euclidean distance of unit rows. (The authors' program divides d by its maximum over the
    gallery instead, and encodings by their sum.) The paper takes k1 = 20, k2 = 6, λ = 0.3 where
    an image has a dozen right answers; k1 should be about their number.

    A query that is a row of the gallery has that row's place in all neighbour lists. Any other
    query sees the gallery, and the gallery's encodings know nothing of it; so no query changes
    the answers to another one.

    Args:
        queries: unit rows, shape (q, dim).
        gallery: unit rows, shape (n, dim).
        query_rows: which row of the gallery each query is, shape (q,), int64; -1 for none.
        k1: how many neighbours may be reciprocal, from 1 up.
        k2: over how many encodings, its own and those of its nearest, each is averaged; 1 for
            none but its own.
        weight: λ, from 0 to 1.
        excluded: for every query the rows that are not neighbours of it: itself. The neighbour
            lists of the gallery's own rows leave nothing out, for these are the same for
            every query; nor is a ground truth's junk left out, which who searches cannot know.

    Returns:
        A function of query positions, shape (b,), that returns scores, shape (b, n), float32.
        Memory is for the neighbour lists, the sparse encodings, and one block of scores.

    Raises:
        UsageError: the shapes do not fit, a value is not finite, or a parameter is out of range.
    """
    check_rows(queries, gallery, excluded)
    if k1 < 1 or k2 < 1 or not 0 <= weight <= 1:
        raise UsageError(
            f"k1 {k1}, k2 {k2}, weight {weight}: k1 and k2 are 1 or more, weight from 0 to 1"
        )
    if query_rows.shape != (len(queries),) or np.any(
        (query_rows < -1) | (query_rows >= len(gallery))
    ):
        raise UsageError(
            f"query_rows: {query_rows.shape} for {len(queries)} queries; expected for each a row "
            f"of the gallery below {len(gallery)}, or -1"
        )
    known = ReciprocalNeighbours.of(gallery, k1=k1, k2=k2)

    def scores(positions: NDArray[np.int64]) -> NDArray[np.float32]:
        asked = queries[positions].astype(np.float32, copy=False)
        shared = known.similarity(
            asked,
            rows=query_rows[positions],
            excluded=[excluded[position] for position in positions.tolist()],
        )
        # (b, dim) @ (dim, n) -> (b, n)
        products = asked @ known.gallery.T
        mixed: NDArray[np.float32] = (1 - weight) * shared + np.float32(weight) * products
        return mixed.astype(np.float32, copy=False)

    return scores
