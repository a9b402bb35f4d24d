"""Evaluates variants over ground truths: embeddings, costs and metrics."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.evaluation.costs import (
    FLOAT_BYTES,
    CostMeter,
    peak_bytes,
    query_milliseconds,
    sample_of,
    weights_bytes,
)
from imgsearch.evaluation.embedding_plan import plan
from imgsearch.evaluation.embedding_run import Embedding, Loaded, Progress, Work
from imgsearch.evaluation.ground_truth.readable import readable_part
from imgsearch.evaluation.metrics.metrics import DEFAULT_METRICS, parse_metric
from imgsearch.evaluation.metrics.pareto import pareto_best
from imgsearch.evaluation.results import Cost, GroundTruthResult, VariantResult
from imgsearch.evaluation.retrieval.variant_search import composed, searched
from imgsearch.evaluation.variant_metrics import VariantMetrics, compute_metrics
from imgsearch.evaluation.variants import Composition
from imgsearch.vectors import projection_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from imgsearch.evaluation.embedding_cache import EmbeddingCache
    from imgsearch.evaluation.embedding_plan import SharedDecoding
    from imgsearch.evaluation.ground_truth.values import GroundTruth
    from imgsearch.evaluation.networks import NetworkSource
    from imgsearch.evaluation.variants import Variant
    from imgsearch.recipe import Recipe

METRICS: Final = tuple(metric.name for metric in DEFAULT_METRICS)
# Recipes whose embeddings are in memory at once, for compositions that share them.
_HELD: Final = 2


class Evaluator:
    """Evaluates variants over ground truths; further variants may follow at any time.

    Attributes:
        meter: what the variants embedded so far cost.
    """

    def __init__(
        self,
        ground_truths: Sequence[GroundTruth],
        *,
        source: NetworkSource,
        cache: EmbeddingCache,
        metrics: Sequence[str] = METRICS,
        work: Work = Work(),  # noqa: B008  frozen
    ) -> None:
        """Prepare an evaluation.

        Args:
            ground_truths: at least one; all share their items.
            source: loads the recipes' networks.
            cache: where embeddings are kept.
            metrics: as `parse_metric` reads them, at least one; the first is the main one.
            work: how to do it.

        Raises:
            UsageError: there is no ground truth or metric, a metric is unknown, or the ground
                truths do not share their items.
        """
        if not ground_truths or not metrics:
            raise UsageError("an evaluation needs at least one ground truth and one metric")
        items = ground_truths[0].items
        if any(truth.items is not items for truth in ground_truths):
            raise UsageError("the ground truths of one evaluation share their items")
        self._metrics = [parse_metric(text) for text in dict.fromkeys(metrics)]
        self._source = source
        self._work = work
        self._truths = tuple(ground_truths)
        self._readable: tuple[GroundTruth, ...] | None = None
        self._left_out: list[str] = []
        self._loaded: dict[SharedDecoding, Loaded] = {}
        self._embedding = Embedding(items, cache, work)
        self.meter = CostMeter(sample_of(items), work.threads, work.batch_size)
        self._held: OrderedDict[Recipe, NDArray[np.float32]] = OrderedDict()
        self._evaluated: dict[tuple[int, Variant], tuple[VariantMetrics, VariantResult]] = {}
        self._first: Variant | None = None

    @property
    def unreadable(self) -> tuple[tuple[str, str], ...]:
        """Path and reason of files that could not be read, by path, each once."""
        items = self._embedding.items
        found = {
            str(items[position].path): reason
            for position, reason in self._embedding.unreadable.items()
        }
        return tuple(sorted(found.items()))

    @property
    def truths(self) -> tuple[GroundTruth, ...]:
        """The ground truths without unreadable files; read it after `embed`.

        One that cannot tell variants apart is left out where another one can: a set of protocols
        may have one under which no query has a relevant item.

        Raises:
            UsageError: none can tell variants apart.
        """
        if self._readable is None:
            readable, refused = [], []
            for truth in self._truths:
                try:
                    readable.append(readable_part(truth, self._embedding.unreadable))
                except UsageError as error:
                    refused.append(error)
            if not readable:
                raise refused[0]
            self._readable = tuple(readable)
            self._left_out = [str(error) for error in refused]
        return self._readable

    @property
    def left_out(self) -> tuple[str, ...]:
        """Why each ground truth that `truths` lacks was left out; read it after `truths`."""
        return tuple(self._left_out)

    def embed(self, variants: Sequence[Variant]) -> None:
        """Compute the embeddings that variants need, and measure what they cost.

        Raises:
            StoppedError: the caller asked to stop.
            ImgsearchError: a network cannot be loaded.
            OSError: the cache cannot be written.
        """
        planned = plan(_recipes(variants))
        for place, shared in enumerate(planned):
            self._work.go_on()
            loaded = self._loaded.pop(shared, None) or Loaded(self._source)
            self._embedding.compute(shared, loaded, self._embedding.missing(shared))
            self._work.progress(Progress("measure", place, len(planned)))
            self.meter.measure(shared, loaded.get)

    def expected_seconds(self, variants: Sequence[Variant]) -> float:
        """Return how long `embed` will take, estimated from a few batches of each network.

        The networks stay in memory for `embed`, unless other variants are estimated first.

        Raises:
            ImgsearchError: a network cannot be loaded.
        """
        seconds = 0.0
        self._loaded.clear()
        for shared in plan(_recipes(variants)):
            self._loaded[shared] = Loaded(self._source)
            self.meter.measure(shared, self._loaded[shared].get)
            missing = self._embedding.missing(shared)
            for each in shared.passes:
                count = int(np.count_nonzero(missing[each.network]))
                seconds += count * self.meter.seconds(Composition((each.recipes,)))
        return seconds

    def distinct(self, variants: Sequence[Variant]) -> tuple[Variant, ...]:
        """Return the variants that differ on these ground truths, in their order.

        In a gallery too small for the default projection, it is the same as "none".
        """
        counts = [len(truth.gallery) for truth in self.truths]
        applied = (
            variant
            if any(variant.projection.applies_to(count) for count in counts)
            else replace(variant, projection=projection_choice.NONE)
            for variant in variants
        )
        return tuple(dict.fromkeys(applied))

    def evaluate(self, variants: Sequence[Variant]) -> tuple[GroundTruthResult, ...]:
        """Return the results of embedded variants over every ground truth, in the order given.

        Differences are relative to the very first variant evaluated here. Whether a variant is
        Pareto-best is decided among those given.

        Raises:
            StoppedError: the caller asked to stop.
            UsageError: a ground truth cannot tell variants apart, or a projection cannot be
                fitted.
        """
        self._first = self._first or variants[0]
        # Variants of one composition follow one another, so that it is composed once.
        order = sorted(range(len(variants)), key=lambda at: _first_place(variants, at))
        made, vectors = None, np.empty((0, 0), dtype=np.float32)
        for done, at in enumerate(sorted(order, key=lambda at: variants[at] != self._first)):
            variant = variants[at]
            if any((place, variant) not in self._evaluated for place in range(len(self.truths))):
                if made != variant.composition:
                    made = variant.composition
                    vectors = composed(self._read, made)
                self._evaluate(variant, vectors)
            self._work.go_on()
            self._work.progress(Progress("evaluate", done + 1, len(variants)))
        return tuple(
            GroundTruthResult(
                name=truth.name,
                queries=len(truth.queries),
                gallery=len(truth.gallery),
                variants=mark_pareto_best(
                    [self._evaluated[place, variant][1] for variant in variants]
                ),
            )
            for place, truth in enumerate(self.truths)
        )

    def values(self, variant: Variant) -> tuple[NDArray[np.float64], ...]:
        """Return an evaluated variant's metrics for each query of the first ground truth.

        Shape (q,) each, NaN where a query is skipped; the main metric first.
        """
        return self._evaluated[0, variant][0].values

    def _read(self, recipe: Recipe) -> NDArray[np.float32]:
        if recipe in self._held:
            self._held.move_to_end(recipe)
        else:
            while len(self._held) >= _HELD:
                self._held.popitem(last=False)
            self._held[recipe] = self._embedding.read(recipe)
        return self._held[recipe]

    def _evaluate(self, variant: Variant, vectors: NDArray[np.float32]) -> None:
        for place, truth in enumerate(self.truths):
            found = searched(truth, vectors, choice=variant.projection, post=variant.post)
            first = self._evaluated.get((place, self._first or variant))
            measured = compute_metrics(
                truth,
                found.scores,
                metrics=self._metrics,
                baseline=None if first is None else first[0],
            )
            projected = (
                variant.projection if found.projection is not None else projection_choice.NONE
            )
            made, dim = variant.composition, found.gallery.shape[1]
            result = VariantResult(
                name=replace(variant, projection=projected).name,
                backbone=made.backbone,
                pooling=made.pooling,
                size=made.size,
                resize=made.resize,
                dim=dim,
                projection=str(projected),
                post_processing=str(variant.post),
                recipes=tuple(recipe.identifier for recipe in made.recipes),
                metrics=measured.metrics,
                cost=Cost(
                    decode_rate=1 / self.meter.decode_seconds(made),
                    network_rate=1 / self.meter.network_seconds(made),
                    query_milliseconds=query_milliseconds(
                        found.queries, found.gallery, more=found.expand_one
                    ),
                    weights_megabytes=weights_bytes(made) / 1e6,
                    bytes_per_image=float(FLOAT_BYTES * dim),
                    peak_megabytes=peak_bytes() / 1e6,
                ),
                pareto=False,
                groups=measured.groups,
                best=measured.best,
                worst=measured.worst,
            )
            self._evaluated[place, variant] = (measured, result)


def mark_pareto_best(results: Sequence[VariantResult]) -> tuple[VariantResult, ...]:
    """Return results with `pareto` set, by the main metric and the speed from file to embedding."""
    best = pareto_best(
        [found.metrics[0].estimate.value for found in results],
        [-found.cost.pipeline_rate for found in results],
    )
    return tuple(
        replace(found, pareto=pareto) for found, pareto in zip(results, best.tolist(), strict=True)
    )


def _recipes(variants: Sequence[Variant]) -> list[Recipe]:
    return [recipe for variant in variants for recipe in variant.composition.recipes]


def _first_place(variants: Sequence[Variant], at: int) -> int:
    return next(
        place
        for place, variant in enumerate(variants)
        if variant.composition == variants[at].composition
    )
