"""What is recommended among the variants that were tried, and why.

The default settings of the cheapest network win, unless something else is better by more than
chance explains: by a paired difference whose 95 % interval lies above 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgsearch.evaluation.embedding_plan import network_of
from imgsearch.evaluation.metrics.bootstrap import paired_difference
from imgsearch.evaluation.report.number_format import figure, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.evaluation.results import Estimate, GroundTruthResult, VariantResult
    from imgsearch.evaluation.variants import Variant
    from imgsearch.recipe import Recipe


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Tried:
    """A variant that was tried.

    Attributes:
        variant: its recipe is of one network, at one size.
        result: its figures.
        metrics: of each query, (q,) for each metric, NaN where one is skipped; the main one first.
        seconds: from file to embedding, for one image.
        network_seconds: of these, those of the network and the pooling.
    """

    variant: Variant
    result: VariantResult
    metrics: tuple[NDArray[np.float64], ...]
    seconds: float
    network_seconds: float

    @property
    def network(self) -> Recipe:
        """Equal for variants that share a network pass."""
        ((recipe,),) = self.variant.composition.parts
        return network_of(recipe)

    @property
    def values(self) -> NDArray[np.float64]:
        """The main metric of each query."""
        return self.metrics[0]

    @property
    def value(self) -> float:
        """The main metric; -1 where it is unknown."""
        value = self.result.metrics[0].estimate.value
        return value if value == value else -1.0  # noqa: PLR0124  not NaN


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """The variant that is recommended among those tried.

    Attributes:
        chosen: the recommended one.
        best: the one with the highest main metric.
        lead: of the best over the chosen one, paired by query; None where they are the same.
        reasons: sentences.
    """

    chosen: Tried
    best: Tried
    lead: Estimate | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recommendation:
    """Which recipe to use, and why.

    Attributes:
        chosen: the recommended variant's result.
        variant: the recommended variant.
        lead: of the best over the chosen one, paired by query; None where they are the same.
        best: the result with the highest main metric.
        caveat: what limits the advice, a sentence; "" where nothing does.
        reasons: sentences.
        tried: all results.
        skipped: (network, reason) of what was not tried.
        unreadable: (path, reason) of files that were left out.
        seconds: how long it took.
    """

    chosen: VariantResult
    variant: Variant
    lead: Estimate | None
    best: VariantResult
    caveat: str
    reasons: tuple[str, ...]
    tried: GroundTruthResult
    skipped: tuple[tuple[str, str], ...]
    unreadable: tuple[tuple[str, str], ...]
    seconds: float


def choose(tried: Sequence[Tried], clusters: Sequence[str]) -> Choice:
    """Return the cheapest variant that the best one is not ahead of by more than chance explains.

    Args:
        tried: at least one; of each network, the default settings come first.
        clusters: of each query; the queries of one cluster are drawn together when the
            uncertainty is estimated.
    """
    return _Chooser(tried, clusters).choice()


class _Chooser:
    def __init__(self, tried: Sequence[Tried], clusters: Sequence[str]) -> None:
        self._tried = tried
        self._clusters = clusters
        self._best = max(tried, key=_value)
        self._metric = self._best.result.metrics[0].metric
        self._by_network: dict[Recipe, list[Tried]] = {}
        for one in tried:
            self._by_network.setdefault(one.network, []).append(one)

    def choice(self) -> Choice:
        chosen, best = self._cheapest(), self._best
        return Choice(
            chosen=chosen,
            best=best,
            lead=None if chosen is best else self._lead(best, chosen),
            reasons=(_reached(chosen), *self._reasons(chosen)),
        )

    def _cheapest(self) -> Tried:
        # A stable sort: other ways of resizing cost the same, and the one tried first stays first.
        for some in sorted(self._by_network.values(), key=lambda some: some[0].network_seconds):
            best_of_network = max(some, key=_value)
            simplest = next(one for one in some if not self._is_ahead(best_of_network, one))
            for candidate in (simplest, best_of_network):
                if not self._is_ahead(self._best, candidate):
                    return candidate
        return self._best

    def _is_ahead(self, one: Tried, other: Tried) -> bool:
        return one is not other and self._lead(one, other).low > 0

    def _lead(self, one: Tried, other: Tried) -> Estimate:
        return paired_difference(one.values, other.values, self._clusters)

    def _reasons(self, chosen: Tried) -> list[str]:
        reasons, best = [], self._best
        if chosen is not best:
            value = figure(best.value, self._metric)
            reasons.append(
                f"{_short(best, chosen)} has a higher figure ({value}), but its lead of "
                f"{_points(self._lead(best, chosen), self._metric)} is not distinguishable from "
                f"chance{_slower(best, chosen)}."
            )
        for network, some in self._by_network.items():
            other = max(some, key=_value)
            if network == chosen.network or other is best:
                continue
            lead = self._lead(chosen, other)
            if lead.low > 0:
                ahead = f"It is ahead of {_short(other, chosen)} by {_points(lead, self._metric)}"
                reasons.append(f"{ahead}{_slower(chosen, other)}.")
        default = self._by_network[chosen.network][0]
        if default is not chosen:
            reasons.append(
                f"{_settings(chosen)} instead of {_settings(default)} is worth "
                f"{_points(self._lead(chosen, default), self._metric)}."
            )
        return [*reasons, *self._other_metrics(chosen)]

    def _other_metrics(self, chosen: Tried) -> list[str]:
        """Say which other metrics another projection of the same embeddings is better in."""
        reasons = []
        for other in self._tried:
            if other.variant.composition != chosen.variant.composition or other is chosen:
                continue
            for place, found in enumerate(other.result.metrics[1:], start=1):
                lead = paired_difference(
                    other.metrics[place], chosen.metrics[place], self._clusters
                )
                if lead.low > 0:
                    reasons.append(
                        f"With projection {other.result.projection} {found.metric} is "
                        f"{figure(found.estimate.value, found.metric)}, "
                        f"{_points(lead, found.metric)} higher: if that counts more, use "
                        f"--metric {found.metric}."
                    )
        return reasons


def _value(tried: Tried) -> float:
    return tried.value


def _reached(chosen: Tried) -> str:
    metric = chosen.result.metrics[0]
    found = metric.estimate
    value, low, high = (figure(end, metric.metric) for end in (found.value, found.low, found.high))
    return (
        f"It reaches {metric.metric} {value} ({low} to {high}) on these images, at "
        f"{chosen.result.cost.pipeline_rate:,.0f} images/s from file to embedding."
    )


def _points(estimate: Estimate, metric: str) -> str:
    value, low, high = (
        figure(end, metric) for end in (estimate.value, estimate.low, estimate.high)
    )
    unit = "" if scale_of(metric) == 1 else " points"
    return f"{value}{unit} ({low} to {high})"


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


def _slower(one: Tried, other: Tried) -> str:
    times = one.seconds / other.seconds
    return f", and it takes {times:.1f} times as long" if times >= 1.1 else ""  # noqa: PLR2004  less is noise
