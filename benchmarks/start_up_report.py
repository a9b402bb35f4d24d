"""The results of start_up.py, and their report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """The result of one command.

    Attributes:
        command: its name.
        seconds: of the whole process, the median.
        least: of all rounds, in seconds.
        most: of all rounds, in seconds.
        processor: seconds of the processors, the median.
        against: the same of another checkout; None where that was not measured.
    """

    command: str
    seconds: float
    least: float
    most: float
    processor: float
    against: float | None = None


@dataclass(frozen=True, slots=True)
class Warm:
    """The time of a query in a warm process.

    Attributes:
        query: its kind.
        p50_ms: median.
        p95_ms: 95th percentile; None if only the mean is known.
    """

    query: str
    p50_ms: float
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """All figures of a run.

    Attributes:
        contents: of the gallery.
        backbone: of its recipe.
        rounds: number of runs of each command.
        commands: whole processes.
        warm: queries in a warm process.
    """

    contents: int
    backbone: str
    rounds: int
    commands: tuple[Command, ...]
    warm: tuple[Warm, ...]


def report(measured: Measured) -> list[str]:
    """Return the report's lines of Markdown."""
    unit = next(c.seconds for c in measured.commands if c.command == "imgsearch query, new file")
    head = (
        f"A gallery of {measured.contents:,} contents, {measured.backbone}. Whole processes, "
        f"medians of {measured.rounds}."
    )
    return [
        head,
        "",
        "| command | s | least to most | times a query by a new file | processor s |",
        "|---|---|---|---|---|",
        *(
            f"| {c.command} | {c.seconds:.2f} | {c.least:.2f} to {c.most:.2f} | "
            f"{c.seconds / unit:.2f} | {c.processor:.2f} |"
            for c in measured.commands
        ),
        *_against(measured),
        "",
        "| in a warm process | p50, ms | p95, ms |",
        "|---|---|---|",
        *(
            f"| {w.query} | {w.p50_ms:.1f} | {'' if w.p95_ms is None else f'{w.p95_ms:.1f}'} |"
            for w in measured.warm
        ),
    ]


def _against(measured: Measured) -> list[str]:
    compared = [(c, c.against) for c in measured.commands if c.against is not None]
    if not compared:
        return []
    return [
        "",
        "| command | processor s | of the other checkout | share |",
        "|---|---|---|---|",
        *(
            f"| {c.command} | {c.processor:.3f} | {other:.3f} | {c.processor / other:.2f} |"
            for c, other in compared
        ),
    ]
