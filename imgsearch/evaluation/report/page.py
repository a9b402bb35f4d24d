"""What the report shows of one ground truth, ordered and worded for the template."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from imgsearch.evaluation.metrics.pareto import pareto_best
from imgsearch.evaluation.report.number_format import figure, is_certain, scale_of, signed_interval
from imgsearch.evaluation.report.pareto_plot import Plot, Point, lay_out
from imgsearch.evaluation.report.variant_names import (
    PROJECTION,
    common_name,
    distinguishing_names,
)
from imgsearch.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imgsearch.evaluation.report.album import Album
    from imgsearch.evaluation.results import (
        Estimate,
        GroundTruthResult,
        GroupFigure,
        Strip,
        VariantResult,
    )

# Variants whose classes and images are shown, best first; and classes of each, worst first.
MOST_DETAILED: Final = 12
MOST_CLASSES: Final = 120


@dataclass(frozen=True, slots=True)
class Span:
    """An interval and its value on a common scale, in percent of the width."""

    low: float
    value: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A variant's row in the table.

    Attributes:
        key: unique within the page.
        number: position in the run, from 1.
        name: what sets it apart from the others.
        variant: its figures.
        span: the main metric's interval; None where it is unknown.
        leads: it has the highest main metric.
    """

    key: str
    number: int
    name: str
    variant: VariantResult
    span: Span | None
    leads: bool

    @property
    def quality(self) -> Estimate:
        """The main metric."""
        return self.variant.metrics[0].estimate


@dataclass(frozen=True, slots=True)
class TitledPlot:
    """A plot, its title, and what its horizontal axis shows."""

    title: str
    axis: str
    plot: Plot


@dataclass(frozen=True, slots=True)
class TitledStrips:
    """Strips of queries under a heading."""

    title: str
    strips: tuple[Strip, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """A class's row, with its difference from the first variant; NaN where there is none."""

    figures: GroupFigure
    difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What is shown of one variant besides its row in the table.

    Attributes:
        row: the variant.
        classes: the worst ones.
        more_classes: number of classes that are left out.
        strips: of the worst queries, then of the best ones.
    """

    row: Row
    classes: tuple[ClassRow, ...]
    more_classes: int
    strips: tuple[TitledStrips, ...]


class GroundTruthView:
    """One ground truth's part of the report."""

    def __init__(self, result: GroundTruthResult, *, key: str, album: Album) -> None:
        """Prepare it; `key` is unique within the page."""
        self.key = key
        self.result = result
        self.metric = result.variants[0].metrics[0].metric
        self._album = album

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """All variants, in the order of the run."""
        variants = self.result.variants
        estimates = [variant.metrics[0].estimate for variant in variants]
        known = [each.value for each in estimates if math.isfinite(each.value)]
        span = _spans(estimates)
        return tuple(
            Row(
                key=f"{self.key}-v{place}",
                number=place + 1,
                name=name,
                variant=variant,
                span=span(variant.metrics[0].estimate),
                leads=len(variants) > 1
                and variant.metrics[0].estimate.value == max(known, default=math.nan),
            )
            for place, (name, variant) in enumerate(
                zip(distinguishing_names(variants), variants, strict=True)
            )
        )

    @cached_property
    def ranked(self) -> tuple[Row, ...]:
        """All variants, best first, unknown ones last."""
        return tuple(sorted(self.rows, key=lambda row: _best_first(row.quality.value)))

    @property
    def common(self) -> str:
        """What all variants share, such as "224 px, squash"; empty for a single variant."""
        return common_name(self.result.variants)

    @property
    def verdict(self) -> str:
        """How far the best variant is above the first, and how certainly; ends a sentence."""
        difference = self.ranked[0].variant.metrics[0].difference
        if difference is None or not math.isfinite(difference.value):
            return ""
        unit = "" if scale_of(self.metric) == 1 else " points"
        change = f"{figure(abs(difference.value), self.metric)}{unit}"
        where = "above" if difference.value >= 0 else "below"
        text = f"{change} {where} the first variant, {self.rows[0].name}"
        range_of = signed_interval(difference, self.metric)
        if range_of:
            text += f" (95 % interval {range_of})"
        return text if is_certain(difference) else f"{text}, which may be chance"

    @cached_property
    def plots(self) -> tuple[TitledPlot, ...]:
        """Quality against speed, and against the size of the weights."""
        variants = self.result.variants
        speed = [each.cost.pipeline_rate for each in variants]
        weights = [each.cost.weights_megabytes for each in variants]
        # 0 stands for an unknown size, which beats nothing.
        known = [size if size > 0 else math.nan for size in weights]
        smallest = pareto_best([row.quality.value for row in self.rows], known).tolist()
        fastest = [each.pareto for each in variants]
        laid_out = [
            ("Quality and speed", "images/s, from file to embedding", self._plot(speed, fastest))
        ]
        if len(set(weights)) > 1:
            laid_out.append(("Quality and size", "MB of weights", self._plot(weights, smallest)))
        return tuple(
            TitledPlot(title, axis, plot) for title, axis, plot in laid_out if plot is not None
        )

    def hover(self, point: Point, axis: str) -> str:
        """Return the text of a plot's point on hovering."""
        scale = scale_of(self.metric)
        value = figure(point.y / scale, self.metric)
        unit = "" if scale == 1 else " %"
        return f"{point.name}: {self.metric} {value}{unit}, {point.x:,.3g} {axis}"

    def _plot(self, xs: Sequence[float], best: Sequence[bool]) -> Plot | None:
        scale = scale_of(self.metric)
        return lay_out(
            [
                Point(
                    name=row.name,
                    # Made printable here already, since its length decides where it goes.
                    label=printable(row.name.replace(PROJECTION, "")),
                    x=x,
                    y=row.quality.value * scale,
                    low=row.quality.low * scale,
                    high=row.quality.high * scale,
                    best=is_best,
                )
                for row, x, is_best in zip(self.rows, xs, best, strict=True)
            ]
        )

    @cached_property
    def details(self) -> tuple[Detail, ...]:
        """The best variants that have classes or strips, best first."""
        first = {each.group: each.value for each in self.result.variants[0].groups}
        with_something = [
            row
            for row in sorted(self.ranked, key=lambda row: not _strips(row.variant))
            if row.variant.groups or _strips(row.variant)
        ]
        chosen = sorted(
            with_something[:MOST_DETAILED], key=lambda row: _best_first(row.quality.value)
        )
        return tuple(
            Detail(
                row=row,
                classes=tuple(
                    ClassRow(figures=each, difference=self._to_first(row, each, first))
                    for each in row.variant.groups[:MOST_CLASSES]
                ),
                more_classes=max(0, len(row.variant.groups) - MOST_CLASSES),
                strips=tuple(
                    each
                    for each in (
                        TitledStrips("Worst queries", row.variant.worst),
                        TitledStrips("Best queries", row.variant.best),
                    )
                    if each.strips and self._album.take(each.strips)
                ),
            )
            for row in chosen
        )

    def _to_first(self, row: Row, figures: GroupFigure, first: dict[str, float]) -> float:
        if row.number == 1:
            return math.nan
        return figures.value - first.get(figures.group, math.nan)


def _strips(variant: VariantResult) -> bool:
    return bool(variant.best or variant.worst)


def _best_first(value: float) -> tuple[bool, float]:
    return math.isnan(value), -value


def _spans(estimates: Sequence[Estimate]) -> Callable[[Estimate], Span | None]:
    """Return a function that places an interval on a scale common to all estimates."""
    ends = [
        end for each in estimates for end in (each.low, each.value, each.high) if math.isfinite(end)
    ]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)

    def span(estimate: Estimate) -> Span | None:
        parts = (estimate.low, estimate.value, estimate.high)
        if not all(map(math.isfinite, parts)):
            return None
        # 4 % at both sides, so that nothing is cut off at the border.
        return Span(*(round(4 + 92 * (part - low) / ((high - low) or 1), 2) for part in parts))

    return span
