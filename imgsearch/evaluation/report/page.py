"""What the report shows of a ground truth, in the order and wording in which it shows it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from imgsearch.evaluation.report.number_format import figure, is_certain, scale_of, signed_interval
from imgsearch.evaluation.report.pareto_plot import Plot, Point, lay_out
from imgsearch.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imgsearch.evaluation.report.pictures import Album
    from imgsearch.evaluation.results import (
        Estimate,
        GroundTruthResult,
        GroupFigure,
        Strip,
        VariantResult,
    )

# Variants whose classes and pictures are shown, best first; and classes of each, worst first.
MOST_DETAILED: Final = 12
MOST_CLASSES: Final = 120
_PROJECTED, _UNPROJECTED = "projected ", "unprojected"
_FACETS: Final = ("backbone", "pooling", "size", "resize")


@dataclass(frozen=True, slots=True)
class Span:
    """An interval and its middle on a common scale, in percent of the width."""

    low: float
    value: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A variant's line in the table.

    Attributes:
        key: unique within the page.
        number: place in the run, from 1.
        name: what sets it apart from the others.
        variant: its figures.
        span: the main metric's interval, drawn; None where it is unknown.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """A class's line, with its difference to the first variant; NaN where there is none."""

    figures: GroupFigure
    difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What is shown of one variant beyond its line in the table.

    Attributes:
        row: the variant.
        classes: the worst ones.
        more_classes: how many follow.
        strips: heading and strips, worst queries first.
    """

    row: Row
    classes: tuple[ClassRow, ...]
    more_classes: int
    strips: tuple[tuple[str, tuple[Strip, ...]], ...]


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
        """What all variants share, such as "224 squash"; empty for one variant."""
        variants = self.result.variants
        if len(variants) == 1:
            return ""
        parts = [_facet(variants[0], name) for name in _FACETS if not _varies(variants, name)]
        parts += [
            text
            for name in ("projection", "post_processing")
            if not _varies(variants, name) and (text := _facet(variants[0], name))
        ]
        return ", ".join(parts)

    @property
    def verdict(self) -> str:
        """How sure it is that the best variant is better than the first, as a sentence's end."""
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
    def plots(self) -> tuple[tuple[str, str, Plot], ...]:
        """Title, horizontal axis and plot: quality against speed, and against weights."""
        speed = [row.variant.cost.pipeline_rate for row in self.rows]
        weights = [row.variant.cost.weights_megabytes for row in self.rows]
        candidates = [("Quality and speed", "images/s, from file to embedding", speed, True)]
        if len(set(weights)) > 1:
            candidates.append(("Quality and size", "MB of weights", weights, False))
        plots = []
        for title, axis, costs, larger_is_better in candidates:
            plot = lay_out(
                [self._point(row, cost) for row, cost in zip(self.rows, costs, strict=True)],
                larger_is_better=larger_is_better,
            )
            if plot is not None:
                plots.append((title, axis, plot))
        return tuple(plots)

    def hover(self, point: Point, axis: str) -> str:
        """Return what a point of a plot says when hovered over."""
        scale = scale_of(self.metric)
        value = figure(point.y / scale, self.metric)
        unit = "" if scale == 1 else " %"
        return f"{point.name}: {self.metric} {value}{unit}, {point.x:,.3g} {axis}"

    def _point(self, row: Row, cost: float) -> Point:
        scale, quality = scale_of(self.metric), row.quality
        return Point(
            name=row.name,
            # Spelled out here already, since its length decides where it goes.
            label=printable(row.name.replace(_PROJECTED, "").replace(_UNPROJECTED, "raw")),
            x=cost,
            y=quality.value * scale,
            low=quality.low * scale,
            high=quality.high * scale,
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
                    (title, strips)
                    for title, strips in (
                        ("What went worst", row.variant.worst),
                        ("What went best", row.variant.best),
                    )
                    if strips and self._album.take(strips)
                ),
            )
            for row in chosen
        )

    def _to_first(self, row: Row, figures: GroupFigure, first: dict[str, float]) -> float:
        if row.number == 1:
            return math.nan
        return figures.value - first.get(figures.group, math.nan)


def distinguishing_names(variants: Sequence[VariantResult]) -> tuple[str, ...]:
    """Return for each variant what sets it apart from the others, in few words.

    A lone variant, and variants that this would not tell apart, keep their full names.
    """
    full = tuple(variant.name for variant in variants)
    if len(variants) == 1:
        return full
    names = []
    for variant in variants:
        made = " ".join(_facet(variant, name) for name in _FACETS if _varies(variants, name))
        after = (
            _facet(variant, name)
            for name in ("projection", "post_processing")
            if _varies(variants, name)
        )
        names.append(" · ".join(part for part in (made, *after) if part))
    return tuple(names) if len(set(names)) == len(names) and all(names) else full


def _varies(variants: Sequence[VariantResult], name: str) -> bool:
    return len({getattr(variant, name) for variant in variants}) > 1


def _facet(variant: VariantResult, name: str) -> str:
    text = str(getattr(variant, name))
    if name == "projection":
        words = {"none": _UNPROJECTED, "": _UNPROJECTED, "centred": "centred"}
        return words.get(text, f"{_PROJECTED}{text}")
    return f"{text} px" if name == "size" and text.isdigit() else text


def _strips(variant: VariantResult) -> bool:
    return bool(variant.best or variant.worst)


def _best_first(value: float) -> tuple[bool, float]:
    return math.isnan(value), -value


def _spans(estimates: Sequence[Estimate]) -> Callable[[Estimate], Span | None]:
    """Return what puts an interval on a scale that all of them share."""
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
