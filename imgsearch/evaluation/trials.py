"""Which networks are tried for a recommendation: the cheapest first, as long as time is left.

What is tried can be typed as `imgsearch index` and `imgsearch query`: one network, one pooling,
and the projection that a gallery searches with.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from imgsearch.errors import ImgsearchError, UsageError
from imgsearch.evaluation.embedding_run import StoppedError, Work
from imgsearch.evaluation.evaluator import Evaluator
from imgsearch.evaluation.grid import Grid
from imgsearch.evaluation.recommendation import Recommendation, Tried, choose

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
REFINEMENTS: Final = (("1.5x", "squash"), ("auto", "pad"))
METRICS: Final = ("mAP", "hit-rate@1")
DEFAULT_MINUTES: Final = 10.0


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
    minutes: float = DEFAULT_MINUTES,
    work: Work = Work(),  # noqa: B008  frozen
) -> Recommendation:
    """Try networks, and say which recipe to use.

    A network is started only if a few timed batches say that it will be done within the time
    left; the first one is always tried.

    Args:
        truth: the queries and their relevant items.
        networks: names for `resolve`, cheapest first.
        source: loads the recipes' networks.
        cache: where embeddings are kept.
        resolve: turns a request into a recipe.
        minutes: limit for the whole.
        work: how to do it.

    Raises:
        StoppedError: the caller asked to stop.
        UsageError: there is no network, or the ground truth cannot tell variants apart.
        ImgsearchError: the first network cannot be loaded.
    """
    if not networks or not minutes > 0:
        raise UsageError(
            f"{len(networks)} networks in {minutes} minutes: give at least one, and time"
        )
    began = time.monotonic()
    evaluator = Evaluator((truth,), source=source, cache=cache, metrics=METRICS, work=work)
    trials = _Trials(evaluator, resolve, deadline=began + 60 * minutes)
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
        reasons=choice.reasons,
        tried=result,
        skipped=tuple(trials.skipped),
        unreadable=evaluator.unreadable,
        seconds=time.monotonic() - began,
    )


class _Trials:
    """The variants tried so far, and the networks skipped, as (name, reason)."""

    def __init__(
        self,
        evaluator: Evaluator,
        resolve: Callable[[RecipeRequest], Recipe],
        *,
        deadline: float,
    ) -> None:
        self._evaluator = evaluator
        self._resolve = resolve
        self._deadline = deadline
        self._networks: dict[Variant, str] = {}
        self.skipped: list[tuple[str, str]] = []

    @property
    def variants(self) -> tuple[Variant, ...]:
        """In the order in which they were tried."""
        return tuple(self._networks)

    def add(self, name: str, network: str, *, size: str = "auto", resize: str = "squash") -> None:
        """Try a network, unless it takes too long or cannot be loaded."""
        grid = Grid(
            backbones=(network,),
            poolings=POOLINGS,
            sizes=(size,),
            resizes=(resize,),
            projections=PROJECTIONS,
        )
        first = not self._networks
        try:
            variants = grid.variants(self._resolve)
            if not first:
                left = self._deadline - time.monotonic()
                needed = self._evaluator.expected_seconds(variants) if left > 0 else float("inf")
                if needed > left:
                    self.skipped.append((name, _too_long(needed)))
                    return
            self._evaluator.embed(variants)
        except StoppedError:
            raise
        except ImgsearchError as error:
            if first:
                raise
            self.skipped.append((name, str(error)))
            return
        variants = self._evaluator.distinct(variants)
        self._evaluator.evaluate(variants)
        for variant in variants:
            self._networks.setdefault(variant, network)

    def tried(self) -> list[Tried]:
        """Return all variants with their results."""
        (result,) = self._evaluator.evaluate(self.variants)
        meter = self._evaluator.meter
        return [
            Tried(
                variant=variant,
                result=found,
                values=self._evaluator.values(variant),
                seconds=meter.seconds(variant.composition),
                network_seconds=meter.network_seconds(variant.composition),
            )
            for variant, found in zip(self.variants, result.variants, strict=True)
        ]

    def leader(self) -> str:
        """Return the network with the highest main metric, as it was named."""
        return self._networks[max(self.tried(), key=lambda one: one.value).variant]


def _too_long(seconds: float) -> str:
    if seconds == float("inf"):
        return "no time was left"
    minutes = max(1, round(seconds / 60))
    return f"it would take about {minutes} more minute{'s' if minutes > 1 else ''}"
