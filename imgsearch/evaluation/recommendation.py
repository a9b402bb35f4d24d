"""The shortest path to a recipe: cheap networks first, dearer ones while time is left.

What is compared can be typed as `imgsearch index` and `imgsearch query`: one network, one
pooling, the projection that a gallery searches through. A dearer network is advised only where it
is better beyond chance, and a step away from the defaults only likewise.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import ImgsearchError, UsageError
from imgsearch.evaluation.embedding_run import StoppedError, Work, network_of
from imgsearch.evaluation.ground_truth.labels import from_labels
from imgsearch.evaluation.metrics.bootstrap import paired_difference
from imgsearch.evaluation.run import EvaluationRun
from imgsearch.evaluation.variants import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imgsearch.evaluation.embedding_cache import EmbeddingCache
    from imgsearch.evaluation.ground_truth.photos import Photos
    from imgsearch.evaluation.ground_truth.values import GroundTruth
    from imgsearch.evaluation.networks import NetworkSource
    from imgsearch.evaluation.results import Estimate, GroundTruthResult, VariantResult
    from imgsearch.evaluation.variants import Variant
    from imgsearch.recipe import Recipe, RecipeRequest

# Cheap to dear; what is on this machine besides comes after them.
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
# What is tried with the network that leads, when the ladder is through.
REFINEMENTS: Final = (("1.5x", "squash"), ("auto", "pad"))
MEASURED: Final = ("mAP", "hit-rate@1")
DEFAULT_MINUTES: Final = 10.0
DEFAULT_PICTURES: Final = 2000
SLACK: Final = 1.1
# Of a class at least this many are kept, before classes are left out.
LEAST_OF_A_CLASS: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """A variant, how it did, and what a picture costs."""

    variant: Variant
    result: VariantResult
    seconds: float
    network_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recommendation:
    """Which recipe to take, and why.

    Attributes:
        chosen: the recipe's result.
        variant: the recipe.
        lead: what the best one is ahead of the chosen one by, query by query; None where the
            chosen one is the best.
        best: the highest figure.
        reasons: sentences.
        tried: all that was tried.
        skipped: (network, reason) of what was not.
        unreadable: (path, reason) of pictures that were left out.
        seconds: how long it took.
    """

    chosen: VariantResult
    variant: Variant
    lead: Estimate | None
    best: VariantResult
    reasons: tuple[str, ...]
    tried: GroundTruthResult
    skipped: tuple[tuple[str, str], ...]
    unreadable: tuple[tuple[str, str], ...]
    seconds: float


def networks_to_try(*, download: bool) -> tuple[str, ...]:
    """Return names of the ladder's networks, cheap ones first.

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


def thinned(truth: GroundTruth, count: int) -> GroundTruth:
    """Return a ground truth of about `count` pictures, evenly from all classes, the same each time.

    Every class keeps at least four pictures where it has them; with too many classes for that,
    some are left out. Distractors keep their share. All relations are those of the classes.

    Args:
        truth: of classes whose pictures all ask and are all searched.
        count: how many pictures; a ground truth of few more comes back as it is.
    """
    if len(truth.items) <= SLACK * count:
        return truth
    labels: list[str | None] = [None] * len(truth.items)
    for query in truth.queries:
        labels[query.item] = query.group
    members: dict[str | None, list[int]] = {}
    for position in np.random.default_rng(0).permutation(len(labels)).tolist():
        members.setdefault(labels[position], []).append(position)
    distractors = members.pop(None, [])
    share = round(count * len(distractors) / len(labels))
    classes = list(members.values())[: max(2, (count - share) // LEAST_OF_A_CLASS)]
    longest = max(len(some) for some in classes)
    # In turns: the first picture of each class, the second of each, and so on.
    turns = [some[turn] for turn in range(longest) for some in classes if turn < len(some)]
    kept = sorted([*turns[: count - share], *distractors[:share]])
    return from_labels(
        truth.name,
        tuple(truth.items[position] for position in kept),
        [labels[position] for position in kept],
    )


def some_photos(photos: Photos, count: int) -> Photos:
    """Return at most `count` of the pictures, drawn once and for all, in their order."""
    if len(photos.items) <= count:
        return photos
    drawn = np.random.default_rng(0).permutation(len(photos.items))[:count]
    kept = np.sort(drawn).tolist()
    names = tuple(photos.names[position] for position in kept)
    return replace(
        photos,
        names=names,
        sizes=tuple(photos.sizes[position] for position in kept),
        items=tuple(photos.items[position] for position in kept),
        positions={name: place for place, name in enumerate(names)},
    )


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
    """Try networks, cheap ones first, and say which recipe to take.

    A network is begun only if, by a few timed batches, it will be through in the time that is
    left; the first one is always tried.

    Args:
        truth: what is asked and what is right.
        networks: names for `resolve`, cheap ones first.
        source: gives the recipes' networks.
        cache: where embeddings are kept.
        resolve: turns a request into a recipe.
        minutes: that the whole may take.
        work: how to go about it.

    Raises:
        StoppedError: the caller asked to stop.
        UsageError: there is no network, or the ground truth tells nothing.
        ImgsearchError: the first network cannot be loaded.
    """
    if not networks or not minutes > 0:
        raise UsageError(
            f"{len(networks)} networks in {minutes} minutes: give at least one, and time"
        )
    began = time.monotonic()
    climb = _Climb(truth, source=source, cache=cache, work=work, deadline=began + 60 * minutes)
    for network in networks:
        grid = Grid(backbones=(network,), poolings=POOLINGS, projections=PROJECTIONS)
        climb.step(network, grid, resolve)
    leader = max(climb.all_tried(), key=_value).variant.composition.parts[0][0]
    by_backbone = {tried.variant.composition.backbone: name for name, tried in climb.names()}
    name = by_backbone[leader.backbone]
    for size, resize in REFINEMENTS:
        refined = Grid(
            backbones=(name,),
            poolings=POOLINGS,
            sizes=(size,),
            resizes=(resize,),
            projections=PROJECTIONS,
        )
        climb.step(
            f"{name} {f'at {size} its size' if size != 'auto' else resize}", refined, resolve
        )
    return climb.recommendation(time.monotonic() - began)


class _Climb:
    """The variants tried so far."""

    def __init__(
        self,
        truth: GroundTruth,
        *,
        source: NetworkSource,
        cache: EmbeddingCache,
        work: Work,
        deadline: float,
    ) -> None:
        self._run = EvaluationRun((truth,), source=source, cache=cache, metrics=MEASURED, work=work)
        self._source = source
        self._work = work
        self._deadline = deadline
        self._variants: list[Variant] = []
        self._names: dict[str, list[Variant]] = {}
        self._skipped: list[tuple[str, str]] = []

    def step(self, name: str, grid: Grid, resolve: Callable[[RecipeRequest], Recipe]) -> None:
        """Try a network, unless it takes too long or cannot be had."""
        first = not self._variants
        try:
            variants = grid.variants(resolve)
            if not first:
                left = self._deadline - time.monotonic()
                needed = self._run.expected_seconds(variants) if left > 0 else float("inf")
                if needed > left:
                    self._skipped.append((name, _too_long(needed)))
                    return
            self._run.embed(variants)
        except StoppedError:
            raise
        except ImgsearchError as error:
            if first:
                raise
            self._skipped.append((name, str(error)))
            return
        variants = self._run.distinct(variants)
        self._variants += variants
        self._names[name] = list(variants)
        self._run.judge(variants)

    def all_tried(self) -> list[Tried]:
        """Return all variants with their results so far."""
        (result,) = self._run.judge(self._variants)
        return [
            Tried(
                variant,
                found,
                self._run.meter.seconds(variant.composition),
                self._run.meter.network_seconds(variant.composition),
            )
            for variant, found in zip(self._variants, result.variants, strict=True)
        ]

    def names(self) -> list[tuple[str, Tried]]:
        """Return what each step was called, with the first variant of it."""
        by_variant = {tried.variant: tried for tried in self.all_tried()}
        return [(name, by_variant[variants[0]]) for name, variants in self._names.items()]

    def recommendation(self, seconds: float) -> Recommendation:
        """Choose among what was tried."""
        (result,) = self._run.judge(self._variants)
        tried = self.all_tried()
        chosen, best = self._choose(tried)
        lead = None if chosen is best else self._lead(best, chosen)
        return Recommendation(
            chosen=chosen.result,
            variant=chosen.variant,
            lead=lead,
            best=best.result,
            reasons=tuple(self._reasons(tried, chosen, best)),
            tried=result,
            skipped=tuple(self._skipped),
            unreadable=self._run.unreadable,
            seconds=seconds,
        )

    def _choose(self, tried: list[Tried]) -> tuple[Tried, Tried]:
        """Return the cheapest one that the best is not ahead of beyond chance, and the best."""
        best = max(tried, key=_value)
        passes: dict[Recipe, list[Tried]] = {}
        for one in tried:
            passes.setdefault(network_of(one.variant.composition.parts[0][0]), []).append(one)
        # Other ways of resizing cost the same, and the one tried first stays first.
        for some in sorted(passes.values(), key=lambda some: some[0].network_seconds):
            # In the order of the lists: the defaults first.
            own_best = max(some, key=_value)
            simplest = next(one for one in some if not self._is_ahead(own_best, one))
            if not self._is_ahead(best, simplest):
                return simplest, best
            if not self._is_ahead(best, own_best):
                return own_best, best
        return best, best

    def _is_ahead(self, one: Tried, other: Tried) -> bool:
        return one is not other and self._lead(one, other).low > 0

    def _lead(self, one: Tried, other: Tried) -> Estimate:
        clusters = [query.cluster or query.group for query in self._run.truths[0].queries]
        return paired_difference(
            self._run.values(one.variant), self._run.values(other.variant), clusters
        )

    def _reasons(self, tried: list[Tried], chosen: Tried, best: Tried) -> list[str]:
        found = chosen.result.metrics[0].estimate
        reached = (
            f"It reaches {chosen.result.metrics[0].metric} {100 * found.value:.1f} "
            f"({100 * found.low:.1f} to {100 * found.high:.1f}) on these pictures, at "
            f"{_rate(chosen)} images/s from file to embedding."
        )
        reasons = [reached]
        if chosen is not best:
            reasons.append(
                f"{_short(best, chosen)} has a higher figure "
                f"({100 * _value(best):.1f}), but its lead of {_points(self._lead(best, chosen))} "
                f"is not distinguishable from chance{_slower(best, chosen)}."
            )
        firsts: dict[Recipe, Tried] = {}
        for one in tried:
            network = network_of(one.variant.composition.parts[0][0])
            if network not in firsts or _value(one) > _value(firsts[network]):
                firsts[network] = one
        own = network_of(chosen.variant.composition.parts[0][0])
        for network, one in firsts.items():
            if network == own or one is best:
                continue
            lead = self._lead(chosen, one)
            if lead.low > 0:
                ahead = f"It is ahead of {_short(one, chosen)} by {_points(lead)}"
                reasons.append(f"{ahead}{_slower(chosen, one)}.")
        default = next(
            one for one in tried if network_of(one.variant.composition.parts[0][0]) == own
        )
        if default is not chosen:
            reasons.append(
                f"{_settings(chosen)} instead of {_settings(default)} is worth "
                f"{_points(self._lead(chosen, default))}."
            )
        return reasons


def _value(tried: Tried) -> float:
    value = tried.result.metrics[0].estimate.value
    return value if value == value else -1.0  # noqa: PLR0124  not NaN


def _rate(tried: Tried) -> str:
    return f"{tried.result.cost.pipeline_rate:,.0f}"


def _points(estimate: Estimate) -> str:
    low, high = 100 * estimate.low, 100 * estimate.high
    return f"{100 * estimate.value:.1f} points ({low:.1f} to {high:.1f})"


def _settings(tried: Tried) -> str:
    made = tried.variant.composition
    return f"{made.pooling} with projection {tried.result.projection}"


def _short(tried: Tried, beside: Tried) -> str:
    """Return what sets a variant apart from another one."""
    made, other = tried.variant.composition, beside.variant.composition
    words = [made.backbone]
    words += [made.pooling] if made.pooling != other.pooling or made == other else []
    words += [f"at {made.size} px"] if made.size != other.size else []
    words += [made.resize] if made.resize != other.resize else []
    if tried.result.projection != beside.result.projection:
        words.append(f"with projection {tried.result.projection}")
    return " ".join(words)


def _slower(dear: Tried, cheap: Tried) -> str:
    times = dear.seconds / cheap.seconds
    return f", and it takes {times:.1f} times as long" if times >= 1.1 else ""  # noqa: PLR2004  less is noise


def _too_long(seconds: float) -> str:
    if seconds == float("inf"):
        return "no time was left"
    minutes = max(1, round(seconds / 60))
    return f"it would take about {minutes} more minute{'s' if minutes > 1 else ''}"
