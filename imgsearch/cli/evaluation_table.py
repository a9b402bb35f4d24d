"""The table of an evaluation, for a person: the variants, their metrics and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imgsearch.cli.tables import align, amount, counted, duration
from imgsearch.cli.terminal import FAINT, PLAIN
from imgsearch.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.cli.terminal import Line, Span
    from imgsearch.evaluation.results import (
        CaptionReport,
        Estimate,
        EvaluationReport,
        GroundTruthResult,
        VariantResult,
    )

FACETS: Final = (
    ("backbone", "backbone"),
    ("pooling", "pooling"),
    ("size", "size"),
    ("resize", "resize"),
    ("projection", "projection"),
    ("post_processing", "after it"),
)
SHOWN_UNREADABLE: Final = 10
WHOLE_FROM: Final = 10
# The N-S score counts images, from 0 to 4; all other metrics are shares.
COUNTS: Final = "N-S"
# Shown beside the main metric if no metrics were asked for.
USUAL: Final = ("hit-rate@1",)


def evaluation_lines(result: GroundTruthResult, *, metrics: Sequence[str] = USUAL) -> list[Line]:
    """Return heading and table of one ground truth, best variant first.

    Args:
        result: all variants.
        metrics: names of those shown beside the main one.
    """
    variants = result.variants
    beside = [found.metric for found in variants[0].metrics[1:] if found.metric in metrics]
    varying = [facet for facet in FACETS if _varies(variants, facet[0])] or [FACETS[0]]
    common = [
        f"{name} {value}"
        for field, name in FACETS
        if (field, name) not in varying and (value := getattr(variants[0], field))
    ]
    asked = counted(result.queries, "query", "queries")
    heading: Line = [
        (result.name, "bold"),
        (f": {asked} over {counted(result.gallery, 'image')}", PLAIN),
        (f"; {', '.join(common)}" if common else "", FAINT),
    ]
    compared = len(variants) > 1
    names = ["", *(name for _, name in varying), variants[0].metrics[0].metric]
    names += ["difference"] if compared else []
    names += beside
    names += ["dim", "decode/s", "network/s", "query", "weights"]
    order = sorted(variants, key=lambda found: -_or_zero(found.metrics[0].estimate.value))
    rows: list[list[Span]] = [[(name, FAINT) for name in names]]
    fields = [field for field, _ in varying]
    rows += [_row(found, fields, beside, compared=compared) for found in order]
    aligns = "<" * (1 + len(varying)) + ">" * (len(names) - 1 - len(varying))
    return [heading, *align(rows, aligns)]


def legend_lines(results: Sequence[GroundTruthResult], *, notes: Sequence[str] = ()) -> list[Line]:
    """Return what a reader must know to read the tables.

    Args:
        results: of every table, with the same variants in each.
        notes: further sentences.
    """
    lines: list[Line] = []
    first = results[0]
    main = first.variants[0].metrics[0]
    if len(first.variants) > 1:
        lines.append(
            [("* no other is both better and faster (from file to embedding)", FAINT)],
        )
        lines.append([(f"difference: to {first.variants[0].name}, paired by query", FAINT)])
    lines.append(
        [
            ("in brackets: 95 % bootstrap interval", FAINT),
            ("" if main.metric.startswith(COUNTS) else "; metrics in percent", FAINT),
        ]
    )
    for result in results:
        skipped = result.variants[0].metrics[0].skipped
        if skipped:
            asked = counted(result.queries, "query", "queries")
            verbs = (
                "has no relevant image and is" if skipped == 1 else "have no relevant image and are"
            )
            text = f"{result.name}: {amount(skipped)} of {asked} {verbs} left out"
            lines.append([(text, FAINT)])
    return lines + [[(note, FAINT)] for note in notes]


def cost_line(report: EvaluationReport) -> Line:
    """Return how long the evaluation took, and how much memory."""
    peak = max(found.cost.peak_megabytes for found in report.ground_truths[0].variants)
    memory = f", {peak:,.0f} MB memory at most" if peak == peak else ""  # noqa: PLR0124  not NaN
    return [(f"took {duration(report.seconds)}{memory}", FAINT)]


def unreadable_lines(report: EvaluationReport | CaptionReport, *, everything: bool) -> list[Line]:
    """Return the files that were left out, the first ten or all."""
    if not report.unreadable:
        return []
    shown = report.unreadable if everything else report.unreadable[:SHOWN_UNREADABLE]
    lines: list[Line] = [
        [(f"{counted(len(report.unreadable), 'file')} could not be read, left out:", "yellow")]
    ]
    lines += [
        [(f"  {printable(path)}", PLAIN), (f"  {printable(reason)}", FAINT)]
        for path, reason in shown
    ]
    if len(shown) < len(report.unreadable):
        more = len(report.unreadable) - len(shown)
        lines.append([(f"  and {amount(more)} more (-v lists all)", FAINT)])
    return lines


def figure(value: float, metric: str, *, signed: bool = False) -> str:
    """Return a metric's value in percent, or as it is for the N-S score."""
    if value != value:  # noqa: PLR0124  NaN
        return "-"
    sign = "+" if signed else ""
    return f"{value:{sign}.2f}" if metric.startswith(COUNTS) else f"{100 * value:{sign}.1f}"


def interval(estimate: Estimate, metric: str, *, signed: bool = False) -> str:
    """Return a value with its interval, such as "69.5 (68.0 to 71.1)"."""
    shown = [
        figure(value, metric, signed=signed)
        for value in (estimate.value, estimate.low, estimate.high)
    ]
    if estimate.low != estimate.low:
        return shown[0]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def _row(
    found: VariantResult, varying: Sequence[str], beside: Sequence[str], *, compared: bool
) -> list[Span]:
    main = found.metrics[0]
    others = [other for other in found.metrics[1:] if other.metric in beside]
    style = "bold" if found.pareto and compared else PLAIN
    row: list[Span] = [("*" if found.pareto and compared else "", "green")]
    row += [(printable(getattr(found, field)) or "-", style) for field in varying]
    row.append((interval(main.estimate, main.metric), style))
    if compared:
        row.append(difference_cell(main.difference, main.metric))
    row += [(figure(other.estimate.value, other.metric), PLAIN) for other in others]
    cost = found.cost
    return [
        *row,
        (str(found.dim), PLAIN),
        (_rate(cost.decode_rate), PLAIN),
        (_rate(cost.network_rate), PLAIN),
        (f"{cost.query_milliseconds:.2f} ms", PLAIN),
        (f"{cost.weights_megabytes:.1f} MB", PLAIN),
    ]


def difference_cell(difference: Estimate | None, metric: str) -> Span:
    """Return a difference with its interval; green or red where that leaves zero out."""
    if difference is None:
        return ("-", FAINT)
    text = interval(difference, metric, signed=True)
    if difference.low > 0:
        return (text, "green")
    return (text, "red" if difference.high < 0 else FAINT)


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= WHOLE_FROM else f"{rate:.1f}"


def _varies(variants: Sequence[VariantResult], field: str) -> bool:
    return len({getattr(found, field) for found in variants}) > 1


def _or_zero(value: float) -> float:
    return value if value == value else 0.0  # noqa: PLR0124  not NaN
