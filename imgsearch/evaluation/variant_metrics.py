"""One variant's metrics over one ground truth, also by class, and its best and worst queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.evaluation.metrics.average_precision import rectangular
from imgsearch.evaluation.metrics.bootstrap import estimate, paired_difference
from imgsearch.evaluation.metrics.rankings import rank
from imgsearch.evaluation.results import GroupFigure, MetricResult, Strip, StripMatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from imgsearch.evaluation.ground_truth.values import GroundTruth, Query
    from imgsearch.evaluation.metrics.metrics import Metric
    from imgsearch.evaluation.metrics.rankings import Rankings, ScoreBlocks

STRIPS: Final = 5
STRIP_LENGTH: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class VariantMetrics:
    """A variant's metrics over one ground truth.

    Attributes:
        metrics: estimates, in the order asked for.
        values: of each metric for each query, (q,) float64 each, NaN where a query is skipped.
        groups: the main metric by class, worst first.
        best: strips of the queries with the highest average precision, one a class.
        worst: strips of those with the lowest.
    """

    metrics: tuple[MetricResult, ...]
    values: tuple[NDArray[np.float64], ...]
    groups: tuple[GroupFigure, ...]
    best: tuple[Strip, ...]
    worst: tuple[Strip, ...]


def compute_metrics(
    truth: GroundTruth,
    scores: ScoreBlocks,
    *,
    metrics: Sequence[Metric],
    baseline: VariantMetrics | None,
) -> VariantMetrics:
    """Rank the gallery for every query and compute all metrics with their intervals.

    Args:
        truth: the queries and their relevant items.
        scores: of the queries over the gallery.
        metrics: the first is the main one.
        baseline: of the variant that differences are relative to; None for that variant itself.

    Raises:
        UsageError: a score is not finite.
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
    return VariantMetrics(tuple(results), values, _groups(truth, values[0]), best, worst)


def _groups(truth: GroundTruth, values: NDArray[np.float64]) -> tuple[GroupFigure, ...]:
    by_group: dict[str, list[float]] = {}
    for query, value in zip(truth.queries, values.tolist(), strict=True):
        if value == value:  # noqa: PLR0124  not NaN
            for group in (query.group, *query.further_groups):
                by_group.setdefault(group, []).append(value)
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
