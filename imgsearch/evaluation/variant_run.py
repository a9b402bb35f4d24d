"""One variant over one ground truth: from embeddings to metrics, class figures and strips."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.evaluation.metrics.average_precision import rectangular
from imgsearch.evaluation.metrics.bootstrap import estimate, paired_difference
from imgsearch.evaluation.metrics.rankings import rank, similarity
from imgsearch.evaluation.results import GroupFigure, MetricResult, Strip, StripMatch
from imgsearch.evaluation.retrieval import composition, post_processing
from imgsearch.vectors import projection_choice, projection_fitting

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from numpy.typing import NDArray

    from imgsearch.evaluation.ground_truth.values import GroundTruth, Query
    from imgsearch.evaluation.metrics.metrics import Metric
    from imgsearch.evaluation.metrics.rankings import Rankings, ScoreBlocks
    from imgsearch.evaluation.variants import Composition, PostProcessing
    from imgsearch.recipe import Recipe
    from imgsearch.vectors.projection import Projection
    from imgsearch.vectors.projection_choice import ProjectionChoice

STRIPS: Final = 5
STRIP_LENGTH: Final = 8


def readable_part(truth: GroundTruth, unreadable: Collection[int]) -> GroundTruth:
    """Return a ground truth without the items at some positions: neither asked nor searched.

    Raises:
        UsageError: no query with a right answer is left.
    """
    gone = np.array(sorted(unreadable), dtype=np.int64)
    if len(gone):
        truth = replace(
            truth,
            gallery=np.setdiff1d(truth.gallery, gone),
            queries=tuple(
                replace(
                    query,
                    relevant=np.setdiff1d(query.relevant, gone),
                    junk=np.setdiff1d(query.junk, gone),
                )
                for query in truth.queries
                if query.item not in unreadable
            ),
        )
    _check(truth, len(gone))
    return truth


def _check(truth: GroundTruth, unreadable: int) -> None:
    """Refuse a ground truth that cannot tell a good variant from a bad one."""
    asking = [query for query in truth.queries if len(query.relevant)]
    left_out = f" ({unreadable} pictures could not be read)" if unreadable else ""
    if not asking:
        raise UsageError(
            f"{truth.name}: no query has a right answer among {len(truth.gallery)} pictures"
            f"{left_out}; at least one class needs two pictures"
        )
    searched = len(truth.gallery)
    itself = np.isin([query.item for query in asking], truth.gallery)
    if all(
        len(query.relevant) + len(query.junk) >= searched - own
        for query, own in zip(asking, itself, strict=True)
    ):
        raise UsageError(
            f"{truth.name}: every picture is a right answer to every query{left_out}, so nothing "
            "could rank wrongly; at least two classes are needed, a folder for each (without "
            "classes: --self-supervised)"
        )


def composed(
    read: Callable[[Recipe], NDArray[np.float32]], made: Composition
) -> NDArray[np.float32]:
    """Return a composition's vectors of all items, unit rows (n, dim)."""
    parts = []
    for part in made.parts:
        scales = [read(recipe) for recipe in part]
        parts.append(scales[0] if len(scales) == 1 else composition.sum_of_scales(scales))
    return parts[0] if len(parts) == 1 else composition.concatenate(parts)


def fit(gallery: NDArray[np.float32], choice: ProjectionChoice) -> Projection | None:
    """Fit a projection on what is searched, as a gallery does; None where it searches it raw."""
    if not choice.applies_to(len(gallery)):
        return None
    try:
        return projection_fitting.fit_choice(gallery, choice)
    except UsageError:
        if choice == projection_choice.DEFAULT:
            return None  # nothing tells these pictures apart, and nobody asked for a fit
        raise


@dataclass(frozen=True, slots=True, eq=False)
class Searched:
    """What a variant asks with and searches.

    Attributes:
        queries: shape (q, dim), after query expansion.
        gallery: shape (n, dim), after augmentation.
        scores: of all queries, block by block.
        ask: does for the query at a position what it costs besides a search.
        projection: that both went through; None for raw embeddings.
    """

    queries: NDArray[np.float32]
    gallery: NDArray[np.float32]
    scores: ScoreBlocks
    ask: Callable[[int], object]
    projection: Projection | None


def searched(
    truth: GroundTruth,
    vectors: NDArray[np.float32],
    *,
    choice: ProjectionChoice,
    post: PostProcessing,
) -> Searched:
    """Project and post-process the vectors of all items for one ground truth.

    The projection is fitted on the gallery's vectors alone. A query's own picture, where the
    gallery holds it, takes no part in the query's expansion and re-ranking.

    Args:
        truth: says which items ask and which are searched.
        vectors: of all items, unit rows (n, dim).
        choice: of the projection.
        post: what happens after it.
    """
    asking = np.array([query.item for query in truth.queries], dtype=np.int64)
    gallery, queries = vectors[truth.gallery], vectors[asking]
    fitted = fit(gallery, choice)
    if fitted is not None:
        gallery, queries = fitted.apply(gallery), fitted.apply(queries)
    if post.augment is not None:
        gallery = post_processing.augment(gallery, k=post.augment.k, alpha=post.augment.alpha)
    excluded = _own_rows(truth, asking)
    ask: Callable[[int], object] = _nothing
    if post.expand is not None:
        expand = partial(
            post_processing.expand_queries,
            gallery=gallery,
            k=post.expand.k,
            alpha=post.expand.alpha,
        )
        ask = partial(_expand_one, expand, queries, excluded)
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
    return Searched(queries, gallery, scores, ask, fitted)


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
    """Return the gallery's row of every query's own picture: one, or none."""
    rows = np.searchsorted(truth.gallery, asking)
    inside = rows < len(truth.gallery)
    inside[inside] = truth.gallery[rows[inside]] == asking[inside]
    return [
        np.array([row] if there else [], dtype=np.int64)
        for row, there in zip(rows, inside, strict=True)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """How a variant did over one ground truth.

    Attributes:
        metrics: estimates, in the order asked for.
        values: of each metric for each query, (q,) float64 each, NaN where a query is skipped.
        groups: the main metric by class, worst first.
        best: strips of the queries that went best.
        worst: strips of those that went worst.
    """

    metrics: tuple[MetricResult, ...]
    values: tuple[NDArray[np.float64], ...]
    groups: tuple[GroupFigure, ...]
    best: tuple[Strip, ...]
    worst: tuple[Strip, ...]


def judge(
    truth: GroundTruth,
    scores: ScoreBlocks,
    *,
    metrics: Sequence[Metric],
    baseline: Judgement | None,
) -> Judgement:
    """Rank the gallery for every query and compute all metrics with their uncertainty.

    Args:
        truth: what is right.
        scores: as from `searched`.
        metrics: the first is the main one.
        baseline: what differences are taken to; None for the first variant.
    """
    rankings = rank(
        truth,
        scores,
        depth=STRIP_LENGTH,
        across_queries=any(metric.across_queries for metric in metrics),
    )
    clusters = [query.cluster or query.group for query in truth.queries]
    values = tuple(metric.values(rankings) for metric in metrics)
    results = []
    for place, (metric, found) in enumerate(zip(metrics, values, strict=True)):
        counted = int(np.count_nonzero(~np.isnan(found)))
        results.append(
            MetricResult(
                metric=metric.name,
                estimate=estimate(found, clusters),
                difference=None
                if baseline is None
                else paired_difference(found, baseline.values[place], clusters),
                queries=counted,
                skipped=len(found) - counted,
            )
        )
    best, worst = _strips(truth, rankings)
    return Judgement(tuple(results), values, _groups(truth, values[0]), best, worst)


def _groups(truth: GroundTruth, values: NDArray[np.float64]) -> tuple[GroupFigure, ...]:
    by_group: dict[str, list[float]] = {}
    for query, value in zip(truth.queries, values.tolist(), strict=True):
        if value == value:  # noqa: PLR0124  not NaN
            by_group.setdefault(query.group, []).append(value)
    figures = [
        GroupFigure(group=group, queries=len(some), value=float(np.mean(some)))
        for group, some in by_group.items()
    ]
    return tuple(sorted(figures, key=lambda figure: (figure.value, figure.group)))


def _strips(truth: GroundTruth, rankings: Rankings) -> tuple[tuple[Strip, ...], tuple[Strip, ...]]:
    """Return strips of the best and the worst queries by average precision, one a class."""
    precisions = rectangular(rankings.ranks, rankings.offsets)
    order = [int(place) for place in np.argsort(precisions, kind="stable")]
    counted = [place for place in order if not np.isnan(precisions[place])]

    def first_of_groups(places: Sequence[int]) -> tuple[Strip, ...]:
        chosen: dict[str, int] = {}
        for place in places:
            chosen.setdefault(truth.queries[place].group, place)
            if len(chosen) == STRIPS:
                break
        return tuple(
            _strip(truth, truth.queries[place], rankings, place, float(precisions[place]))
            for place in chosen.values()
        )

    return first_of_groups(counted[::-1]), first_of_groups(counted)


def _strip(
    truth: GroundTruth, query: Query, rankings: Rankings, place: int, precision: float
) -> Strip:
    relevant = set(query.relevant.tolist())
    answers = zip(rankings.first[place], rankings.first_scores[place], strict=True)
    return Strip(
        query=truth.items[query.item],
        group=query.group,
        average_precision=precision,
        matches=tuple(
            StripMatch(
                item=truth.items[position],
                score=float(score),
                relevant=int(position) in relevant,
            )
            for position, score in answers
            if position >= 0
        ),
    )
