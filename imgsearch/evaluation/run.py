"""A run: embed what is missing, measure costs, judge every variant, and say it all as values."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
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
from imgsearch.evaluation.embedding_run import Embedding, Loaded, Progress, Work, plan
from imgsearch.evaluation.machine import machine, versions
from imgsearch.evaluation.metrics.metrics import DEFAULT_METRICS, parse_metric
from imgsearch.evaluation.metrics.pareto import pareto_best
from imgsearch.evaluation.networks import has_random_weights
from imgsearch.evaluation.results import (
    Cost,
    EvaluationReport,
    GroundTruthResult,
    VariantResult,
)
from imgsearch.evaluation.variant_run import Judgement, composed, judge, readable_part, searched
from imgsearch.evaluation.variants import Composition
from imgsearch.vectors import projection_choice as projection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from imgsearch.evaluation.embedding_cache import EmbeddingCache
    from imgsearch.evaluation.ground_truth.values import GroundTruth
    from imgsearch.evaluation.networks import NetworkSource
    from imgsearch.evaluation.variants import Variant
    from imgsearch.recipe import Recipe

METRICS: Final = tuple(metric.name for metric in DEFAULT_METRICS)
# Variants whose queries are shown as pictures: the first, the best, and Pareto-best ones.
MOST_SHOWN: Final = 6
TIMING_TOLERANCE: Final = 0.05
# Embeddings of this many recipes are held at once, for compositions that share them.
_HELD: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a report says of its origin.

    Attributes:
        command: as it was typed.
        folder: what was evaluated.
        notes: sentences that a reader must know.
    """

    command: str = ""
    folder: str = ""
    notes: tuple[str, ...] = ()


def evaluate(
    ground_truths: Sequence[GroundTruth],
    variants: Sequence[Variant],
    *,
    source: NetworkSource,
    cache: EmbeddingCache,
    metrics: Sequence[str] = METRICS,
    work: Work = Work(),  # noqa: B008  frozen
    about: About = About(),
) -> EvaluationReport:
    """Evaluate variants over ground truths that share their items.

    Embeddings that the cache holds are not computed again, so a run that was stopped goes on and
    another backbone costs only its own embeddings. Pictures that cannot be read are left out of
    all variants and listed.

    Args:
        ground_truths: at least one; all share their items.
        variants: at least one; differences are taken to the first.
        source: gives recipes' networks.
        cache: where embeddings are kept.
        metrics: as `parse_metric` reads them; the first is the main one.
        work: how to go about it.
        about: what the report says of its origin.

    Raises:
        StoppedError: the caller asked to stop.
        UsageError: arguments that make no sense, or a ground truth that tells nothing.
        ImgsearchError: a network cannot be loaded.
        OSError: the cache cannot be written.
    """
    started, began = datetime.now(UTC), time.monotonic()
    run = EvaluationRun(ground_truths, source=source, cache=cache, metrics=metrics, work=work)
    run.embed(variants)
    judged = run.judge(run.distinct(variants))
    return EvaluationReport(
        command=about.command,
        folder=about.folder,
        started=started.isoformat(timespec="seconds"),
        seconds=time.monotonic() - began,
        versions=versions(),
        machine=machine(),
        ground_truths=tuple(_shortened(result) for result in judged),
        unreadable=run.unreadable,
        notes=(*about.notes, *run.notes(variants)),
    )


class EvaluationRun:
    """Ground truths under evaluation; variants may come one after another."""

    def __init__(
        self,
        ground_truths: Sequence[GroundTruth],
        *,
        source: NetworkSource,
        cache: EmbeddingCache,
        metrics: Sequence[str] = METRICS,
        work: Work = Work(),  # noqa: B008  frozen
    ) -> None:
        """Prepare a run; arguments as of `evaluate`.

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
        self._embedding = Embedding(items, cache, work)
        self.meter = CostMeter(sample_of(items), work.threads, work.batch_size)
        self._held: OrderedDict[Recipe, NDArray[np.float32]] = OrderedDict()
        self._judged: dict[tuple[int, Variant], tuple[Judgement, VariantResult]] = {}
        self._first: Variant | None = None

    @property
    def unreadable(self) -> tuple[tuple[str, str], ...]:
        """Path and reason of pictures that could not be read, by path, each once."""
        items = self._embedding.items
        found = {
            str(items[position].path): reason
            for position, reason in self._embedding.unreadable.items()
        }
        return tuple(sorted(found.items()))

    @property
    def truths(self) -> tuple[GroundTruth, ...]:
        """The ground truths without unreadable pictures, once some variants were embedded.

        Raises:
            UsageError: what is left tells nothing.
        """
        if self._readable is None:
            self._readable = tuple(
                readable_part(truth, self._embedding.unreadable) for truth in self._truths
            )
        return self._readable

    def embed(self, variants: Sequence[Variant]) -> None:
        """Compute the embeddings that variants need, and measure what they cost.

        Raises:
            StoppedError: the caller asked to stop.
            ImgsearchError: a network cannot be loaded.
            OSError: the cache cannot be written.
        """
        recipes = [recipe for variant in variants for recipe in variant.composition.recipes]
        planned = plan(recipes)
        for place, shared in enumerate(planned):
            self._work.go_on()
            loaded = Loaded(self._source)
            self._embedding.compute(shared, loaded, self._embedding.missing(shared))
            self._work.progress(Progress("measure", place, len(planned)))
            self.meter.measure(shared, loaded.get)

    def expected_seconds(self, variants: Sequence[Variant]) -> float:
        """Return how long embedding will take, by timing a few batches of each network.

        Raises:
            ImgsearchError: a network cannot be loaded.
        """
        recipes = [recipe for variant in variants for recipe in variant.composition.recipes]
        seconds = 0.0
        for shared in plan(recipes):
            self.meter.measure(shared, Loaded(self._source).get)
            missing = self._embedding.missing(shared)
            for each in shared.passes:
                count = int(np.count_nonzero(missing[each.network]))
                seconds += count * self.meter.seconds(Composition((each.recipes,)))
        return seconds

    def distinct(self, variants: Sequence[Variant]) -> tuple[Variant, ...]:
        """Return the variants that differ on these pictures, in their order.

        A gallery too small for the default projection is searched raw, as with no projection.
        """
        counts = [len(truth.gallery) for truth in self.truths]
        applied = (
            variant
            if any(variant.projection.applies_to(count) for count in counts)
            else replace(variant, projection=projection.NONE)
            for variant in variants
        )
        return tuple(dict.fromkeys(applied))

    def judge(self, variants: Sequence[Variant]) -> tuple[GroundTruthResult, ...]:
        """Return how embedded variants do over every ground truth, in the order given.

        The first variant that a run ever judges is what all others are compared with. Whether a
        variant is Pareto-best is decided among those given.

        Raises:
            StoppedError: the caller asked to stop.
            UsageError: a ground truth tells nothing, or a projection cannot be fitted.
        """
        self._first = self._first or variants[0]
        # Variants of one composition follow one another, so that it is put together once.
        order = sorted(range(len(variants)), key=lambda at: _first_place(variants, at))
        made, vectors = None, np.empty((0, 0), dtype=np.float32)
        for done, at in enumerate(sorted(order, key=lambda at: variants[at] != self._first)):
            variant = variants[at]
            if any((place, variant) not in self._judged for place in range(len(self.truths))):
                if made != variant.composition:
                    made = variant.composition
                    vectors = composed(self._read, made)
                self._judge(variant, vectors)
            self._work.go_on()
            self._work.progress(Progress("evaluate", done + 1, len(variants)))
        return tuple(
            _with_pareto(
                GroundTruthResult(
                    name=truth.name,
                    queries=len(truth.queries),
                    gallery=len(truth.gallery),
                    variants=tuple(self._judged[place, variant][1] for variant in variants),
                )
            )
            for place, truth in enumerate(self.truths)
        )

    def values(self, variant: Variant, *, truth: int = 0) -> NDArray[np.float64]:
        """Return the main metric of a judged variant for every query, (q,), NaN where skipped."""
        return self._judged[truth, variant][0].values[0]

    def notes(self, variants: Sequence[Variant]) -> tuple[str, ...]:
        """Return sentences that a reader of these variants' results must know."""
        notes = []
        recipes = dict.fromkeys(
            recipe for variant in variants for recipe in variant.composition.recipes
        )
        names = dict.fromkeys(made.backbone for made in recipes if has_random_weights(made))
        if names:
            verb = "have" if len(names) > 1 else "has"
            notes.append(
                f"{', '.join(names)} {verb} random weights: the costs are real, and what is "
                "retrieved means nothing."
            )
        searched_counts = dict.fromkeys(len(truth.gallery) for truth in self.truths)
        for count in searched_counts:
            if any(variant.projection.applies_to(count) for variant in variants):
                notes.append(
                    f"Projections are fitted on the gallery's {count:,} embeddings, without "
                    "labels; a query that the gallery does not hold takes no part."
                )
            if count < projection.DEFAULT.minimum_count and any(
                variant.projection == projection.DEFAULT for variant in variants
            ):
                notes.append(
                    f"The default projection is fitted from {projection.DEFAULT.minimum_count} "
                    f"pictures up; these {count:,} are searched without, as a gallery would."
                )
        return tuple(notes)

    def _read(self, recipe: Recipe) -> NDArray[np.float32]:
        if recipe in self._held:
            self._held.move_to_end(recipe)
        else:
            while len(self._held) >= _HELD:
                self._held.popitem(last=False)
            self._held[recipe] = self._embedding.read(recipe)
        return self._held[recipe]

    def _judge(self, variant: Variant, vectors: NDArray[np.float32]) -> None:
        for place, truth in enumerate(self.truths):
            found = searched(truth, vectors, choice=variant.projection, post=variant.post)
            first = self._judged.get((place, self._first or variant))
            judgement = judge(
                truth,
                found.scores,
                metrics=self._metrics,
                baseline=None if first is None else first[0],
            )
            projected = variant.projection if found.projection is not None else projection.NONE
            shown = replace(variant, projection=projected)
            result = VariantResult(
                name=shown.name,
                **_described(shown.composition),
                dim=found.gallery.shape[1],
                projection=str(projected),
                post_processing=str(variant.post),
                recipes=tuple(recipe.identifier for recipe in variant.composition.recipes),
                metrics=judgement.metrics,
                cost=self._cost(
                    variant.composition,
                    dim=found.gallery.shape[1],
                    milliseconds=query_milliseconds(found.queries, found.gallery, more=found.ask),
                ),
                pareto=False,
                groups=judgement.groups,
                best=judgement.best,
                worst=judgement.worst,
            )
            self._judged[place, variant] = (judgement, result)

    def _cost(self, made: Composition, *, dim: int, milliseconds: float) -> Cost:
        return Cost(
            decode_rate=1 / self.meter.decode_seconds(made),
            network_rate=1 / self.meter.network_seconds(made),
            query_milliseconds=milliseconds,
            weights_megabytes=weights_bytes(made) / 1e6,
            bytes_per_image=float(FLOAT_BYTES * dim),
            peak_megabytes=peak_bytes() / 1e6,
        )


def _described(made: Composition) -> dict[str, str]:
    return {
        "backbone": made.backbone,
        "pooling": made.pooling,
        "size": made.size,
        "resize": made.resize,
    }


def _first_place(variants: Sequence[Variant], at: int) -> int:
    return next(
        place
        for place, variant in enumerate(variants)
        if variant.composition == variants[at].composition
    )


def _with_pareto(result: GroundTruthResult) -> GroundTruthResult:
    quality = np.array([found.metrics[0].estimate.value for found in result.variants])
    seconds = np.array([1 / found.cost.pipeline_rate for found in result.variants])
    # Timings that differ by less than they vary are one price, or chance would mark rows.
    steps = np.round(np.log(seconds) / np.log1p(TIMING_TOLERANCE))
    best = pareto_best(quality, steps).tolist()
    marked = zip(result.variants, best, strict=True)
    return replace(
        result, variants=tuple(replace(found, pareto=pareto) for found, pareto in marked)
    )


def _shortened(result: GroundTruthResult) -> GroundTruthResult:
    """Keep picture strips of a few variants: the first, the best, and Pareto-best ones."""
    ranked = sorted(
        range(len(result.variants)),
        key=lambda at: -np.nan_to_num(result.variants[at].metrics[0].estimate.value, nan=-1.0),
    )
    shown = [0, ranked[0], *(at for at in ranked if result.variants[at].pareto)]
    kept = set(list(dict.fromkeys(shown))[:MOST_SHOWN])
    return replace(
        result,
        variants=tuple(
            found if at in kept else replace(found, best=(), worst=())
            for at, found in enumerate(result.variants)
        ),
    )
