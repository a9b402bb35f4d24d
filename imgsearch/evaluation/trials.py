"""Which networks are tried for a recommendation: the cheapest first, as long as time is left.

What is tried can be typed as `imgsearch index` and `imgsearch query`: one network, one pooling,
and the projection that a gallery searches with.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from imgsearch.errors import ImgsearchError, UsageError
from imgsearch.evaluation.conditions import Conditions, Limit
from imgsearch.evaluation.embedding_run import StoppedError, Work
from imgsearch.evaluation.evaluator import Evaluator
from imgsearch.evaluation.grid import Grid
from imgsearch.evaluation.recommendation import Recommendation, Tried, choose
from imgsearch.evaluation.report.number_format import duration
from imgsearch.recipe import AUTO, HUB

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imgsearch.evaluation.embedding_cache import EmbeddingCache
    from imgsearch.evaluation.ground_truth.values import GroundTruth
    from imgsearch.evaluation.networks import NetworkSource
    from imgsearch.evaluation.variants import Variant
    from imgsearch.recipe import Recipe, RecipeRequest

# Cheapest first; others that are on this machine come after them.
NETWORKS: Final = (
    "compact",
    "mobilenet_v2",
    "efficientnet_v2_b0",
    "resnet50",
    "efficientnet_v2_s",
    "convnext_tiny",
)
POOLINGS: Final = ("gap", "gem", "rmac")
PROJECTIONS: Final = ("auto", "none")
# Sizes and resizings that are tried last, with the network that leads by then.
REFINEMENTS: Final = (("1.5x", AUTO), (AUTO, "pad"))
# Until it is measured: how long preparing a network for this machine takes, and evaluating a
# variant, for each score of a query and an image. Both are upper ends of what two cores took.
_PREPARING_SECONDS: Final = 20.0
_SECONDS_PER_SCORE: Final = 3e-7
# The choice at the end takes at most as long as evaluating so many variants.
_CHOICE: Final = 4
# Other programs may slow down what is still to come.
_ALLOWANCE: Final = 1.25

LOG: Final = logging.getLogger(__name__)


def networks_to_try(*, download: bool) -> tuple[str, ...]:
    """Return the names of networks to try, cheapest first.

    Args:
        download: also those whose weights are not on this machine.
    """
    from imgsearch.networks.backbones import catalogue, weights

    here = [
        name for name, backbone in catalogue.CATALOGUE.items() if weights.is_available(backbone)
    ]
    here.sort(key=lambda name: catalogue.CATALOGUE[name].parameters)
    known = [name for name in NETWORKS if download or name in here]
    return tuple(dict.fromkeys([*known, *here]))


def recommend(
    truth: GroundTruth,
    networks: Sequence[str],
    *,
    source: NetworkSource,
    cache: EmbeddingCache,
    resolve: Callable[[RecipeRequest], Recipe],
    conditions: Conditions = Conditions(),  # noqa: B008  frozen
    work: Work = Work(),  # noqa: B008  frozen
) -> Recommendation:
    """Try networks, and say which recipe to use.

    A network is started only if a few timed batches say that it will be done within the time
    left, and given up where they were wrong; the first one is always tried.

    Args:
        truth: the queries and their relevant items.
        networks: names for `resolve`, cheapest first.
        source: loads the recipes' networks.
        cache: where embeddings are kept.
        resolve: turns a request into a recipe.
        conditions: how long it may take, and which metric decides.
        work: how to do it.

    Raises:
        StoppedError: the caller asked to stop.
        UsageError: there is no network, or the ground truth cannot tell variants apart.
        ImgsearchError: the first network cannot be loaded.
    """
    if not networks or not conditions.minutes > 0:
        raise UsageError(
            f"{len(networks)} networks in {conditions.minutes} minutes: give at least one, and time"
        )
    began = conditions.clock()
    limit = Limit(conditions.clock, end=began + 60 * conditions.minutes)
    evaluator = Evaluator(
        (truth,),
        source=source,
        cache=cache,
        metrics=conditions.metrics,
        work=replace(work, stop=lambda: work.stop() or limit.is_over()),
    )
    trials = _Trials(evaluator, resolve, source=source, limit=limit, truth=truth, stop=work.stop)
    for network in networks:
        trials.add(network, network)
    leader = trials.leader()
    for size, resize in REFINEMENTS:
        how = f"at {size} its size" if size != "auto" else resize
        trials.add(f"{leader} {how}", leader, size=size, resize=resize)
    (result,) = evaluator.evaluate(trials.variants)
    clusters = [query.cluster or query.group for query in evaluator.truths[0].queries]
    choice = choose(trials.tried(), clusters)
    return Recommendation(
        chosen=choice.chosen.result,
        variant=choice.chosen.variant,
        lead=choice.lead,
        best=choice.best.result,
        caveat=trials.caveat,
        reasons=choice.reasons,
        tried=result,
        skipped=tuple(trials.skipped),
        unreadable=evaluator.unreadable,
        seconds=conditions.clock() - began,
    )


class _Trials:
    """The variants tried so far, and the networks skipped, as (name, reason)."""

    def __init__(
        self,
        evaluator: Evaluator,
        resolve: Callable[[RecipeRequest], Recipe],
        *,
        source: NetworkSource,
        limit: Limit,
        truth: GroundTruth,
        stop: Callable[[], bool],
    ) -> None:
        self._evaluator = evaluator
        self._resolve = resolve
        self._source = source
        self._limit = limit
        self._stop = stop
        self._networks: dict[Variant, str] = {}
        # Seconds of evaluating a variant, and of loading a network, by whether it is prepared.
        self._evaluating = _SECONDS_PER_SCORE * len(truth.queries) * len(truth.gallery)
        self._preparing = {True: 0.0, False: _PREPARING_SECONDS}
        self._lacked_time = False
        self.skipped: list[tuple[str, str]] = []

    @property
    def variants(self) -> tuple[Variant, ...]:
        """In the order in which they were tried."""
        return tuple(self._networks)

    @property
    def caveat(self) -> str:
        """That only one network was tried; empty where there were more."""
        if len(set(self._networks.values())) > 1:
            return ""
        text = "Only one network was tried, so another may be better."
        if self._lacked_time:
            text += " More --minutes, or fewer --pictures, leave time for others."
        return text

    def add(self, name: str, network: str, *, size: str = AUTO, resize: str = AUTO) -> None:
        """Try a network, unless it takes too long or cannot be loaded."""
        grid = Grid(
            backbones=(network,),
            # What KerasHub's networks have of their own is what they were trained for.
            poolings=(AUTO, *POOLINGS) if network.startswith(HUB) else POOLINGS,
            sizes=(size,),
            resizes=(resize,),
            projections=PROJECTIONS,
        )
        first = not self._networks
        try:
            variants = grid.variants(self._resolve)
            reason = self._embed(variants, first=first)
        except StoppedError:
            if first or self._stop():
                raise
            reason = "the time ran out before it was done"
        except ImgsearchError as error:
            if first:
                raise
            self.skipped.append((name, str(error)))
            return
        finally:
            self._limit.embedding = math.inf
        if reason:
            self._lacked_time |= network not in self._networks.values()
            self.skipped.append((name, reason))
            return
        variants = self._evaluator.distinct(variants)
        began = self._limit.clock()
        self._evaluator.evaluate(variants)
        taken = (self._limit.clock() - began) / len(variants)
        self._evaluating = max(self._evaluating, taken) if self._networks else taken
        for variant in variants:
            self._networks.setdefault(variant, network)

    def _embed(self, variants: Sequence[Variant], *, first: bool) -> str:
        """Embed variants within the limit; return why not, empty where they were.

        Raises:
            StoppedError: the caller asked to stop, or the time was over.
        """
        (recipe, *_) = variants[0].composition.recipes
        prepared = self._source.is_prepared(recipe)
        if not first and self._limit.left < self._preparing[prepared] + self._reserve(variants):
            return "no time was left"
        began = self._limit.clock()
        needed = self._evaluator.expected_seconds(variants)
        taken = self._limit.clock() - began
        self._preparing[prepared] = taken if first else max(taken, self._preparing[prepared])
        reserve = self._reserve(variants)
        if needed + reserve > self._limit.left:
            if not first:
                return _too_long(needed + reserve)
            LOG.warning(
                "%s alone takes about %s, which is more than is left of --minutes; fewer "
                "--pictures take less",
                recipe.backbone,
                duration(needed + reserve),
            )
        if not first:
            self._limit.embedding = self._limit.end - reserve
        self._evaluator.embed(variants)
        return ""

    def _reserve(self, variants: Sequence[Variant]) -> float:
        """Return the seconds that evaluating variants and choosing among all take."""
        return _ALLOWANCE * (len(variants) + _CHOICE) * self._evaluating

    def tried(self) -> list[Tried]:
        """Return all variants with their results."""
        (result,) = self._evaluator.evaluate(self.variants)
        meter = self._evaluator.meter
        return [
            Tried(
                variant=variant,
                result=found,
                metrics=self._evaluator.values(variant),
                seconds=meter.seconds(variant.composition),
                network_seconds=meter.network_seconds(variant.composition),
            )
            for variant, found in zip(self.variants, result.variants, strict=True)
        ]

    def leader(self) -> str:
        """Return the network with the highest main metric, as it was named."""
        return self._networks[max(self.tried(), key=lambda one: one.value).variant]


def _too_long(seconds: float) -> str:
    return f"it would take about {duration(seconds)} more"
