"""One variant's search of a gallery: embeddings are composed, projected, post-processed, scored."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.evaluation.metrics.rankings import similarity
from imgsearch.evaluation.retrieval import composition, post_processing
from imgsearch.vectors import projection_choice, projection_fitting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from imgsearch.evaluation.ground_truth.values import GroundTruth
    from imgsearch.evaluation.metrics.rankings import ScoreBlocks
    from imgsearch.evaluation.variants import Composition, PostProcessing
    from imgsearch.recipe import Recipe
    from imgsearch.vectors.projection import Projection
    from imgsearch.vectors.projection_choice import ProjectionChoice


def composed(
    read: Callable[[Recipe], NDArray[np.float32]], made: Composition
) -> NDArray[np.float32]:
    """Return the composed embeddings of all items, unit rows (n, dim), float32.

    Args:
        read: returns a recipe's embeddings of all items, unit rows.
        made: which recipes, and how they are put together.
    """
    parts = []
    for part in made.parts:
        scales = [read(recipe) for recipe in part]
        parts.append(scales[0] if len(scales) == 1 else composition.sum_of_scales(scales))
    return parts[0] if len(parts) == 1 else composition.concatenate(parts)


def fit(gallery: NDArray[np.float32], choice: ProjectionChoice) -> Projection | None:
    """Return a projection fitted on the gallery's embeddings; None for raw embeddings.

    As in a gallery, the default projection is not fitted to fewer embeddings than it needs, nor
    to embeddings that are all alike.

    Raises:
        UsageError: a projection other than the default cannot be fitted.
    """
    if not choice.applies_to(len(gallery)):
        return None
    try:
        return projection_fitting.fit_choice(gallery, choice)
    except UsageError:
        if choice == projection_choice.DEFAULT:
            return None
        raise


@dataclass(frozen=True, slots=True, eq=False)
class Searched:
    """What a variant's search compares, and the scores.

    Attributes:
        queries: shape (q, dim), after query expansion.
        gallery: shape (n, dim), after augmentation.
        scores: of all queries, block by block.
        expand_one: expands the query at a position, for timing; does nothing where queries are
            not expanded.
        projection: that both went through; None for raw embeddings.
    """

    queries: NDArray[np.float32]
    gallery: NDArray[np.float32]
    scores: ScoreBlocks
    expand_one: Callable[[int], object]
    projection: Projection | None


def searched(
    truth: GroundTruth,
    vectors: NDArray[np.float32],
    *,
    choice: ProjectionChoice,
    post: PostProcessing,
) -> Searched:
    """Project and post-process the embeddings of all items for one ground truth.

    The projection is fitted on the gallery's embeddings alone. A query that is itself in the
    gallery takes no part in its own expansion and re-ranking.

    Args:
        truth: says which items are queries and which are searched.
        vectors: of all items, unit rows (n, dim).
        choice: of the projection.
        post: what happens after it.

    Raises:
        UsageError: the projection cannot be fitted.
    """
    asking = np.array([query.item for query in truth.queries], dtype=np.int64)
    gallery, queries = vectors[truth.gallery], vectors[asking]
    fitted = fit(gallery, choice)
    if fitted is not None:
        gallery, queries = fitted.apply(gallery), fitted.apply(queries)
    if post.augment is not None:
        gallery = post_processing.augment(gallery, k=post.augment.k, alpha=post.augment.alpha)
    excluded = _own_rows(truth, asking)
    expand_one: Callable[[int], object] = _nothing
    if post.expand is not None:
        expand = partial(
            post_processing.expand_queries,
            gallery=gallery,
            k=post.expand.k,
            alpha=post.expand.alpha,
        )
        expand_one = partial(_expand_one, expand, queries, excluded)
        queries = expand(queries, excluded=excluded)
    scores = similarity(queries, gallery)
    if post.rerank is not None:
        scores = post_processing.reciprocal_scores(
            queries,
            gallery,
            query_rows=np.array([own[0] if len(own) else -1 for own in excluded]),
            k1=post.rerank.k1,
            k2=post.rerank.k2,
            weight=post.rerank.weight,
            excluded=excluded,
        )
    return Searched(queries, gallery, scores, expand_one, fitted)


def _nothing(_: int) -> object:
    return None


def _expand_one(
    expand: Callable[..., NDArray[np.float32]],
    queries: NDArray[np.float32],
    excluded: Sequence[NDArray[np.int64]],
    position: int,
) -> object:
    one = slice(position, position + 1)
    return expand(queries[one], excluded=excluded[one])


def _own_rows(truth: GroundTruth, asking: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return for every query its own row of the gallery, as an array of one position or none."""
    rows = np.searchsorted(truth.gallery, asking)
    inside = rows < len(truth.gallery)
    inside[inside] = truth.gallery[rows[inside]] == asking[inside]
    return [
        np.array([row] if there else [], dtype=np.int64)
        for row, there in zip(rows, inside, strict=True)
    ]
