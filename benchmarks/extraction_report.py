"""The results of extraction.py, and their report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage alone.

    Attributes:
        size: name of the images' size.
        precision: of the network.
        stage: its name; "all" for the sum.
        core_ms: processor time for an image, in milliseconds.
    """

    size: str
    precision: str
    stage: str
    core_ms: float


@dataclass(frozen=True, slots=True)
class EndToEnd:
    """One way from files to embeddings.

    Attributes:
        size: name of the images' size.
        precision: of the network.
        settings: jobs and batch, or "plain Keras loop".
        rate: images/s.
        times_loop: the rate divided by that of the plain loop.
        cores_busy: cores in use on average; None for the loop, where it is not measured.
        efficiency: the rate divided by what the stages alone allow; None for the loop.
    """

    size: str
    precision: str
    settings: str
    rate: float
    times_loop: float
    cores_busy: float | None = None
    efficiency: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """All figures of a run.

    Attributes:
        backbone: the network.
        ends: end to end.
        stages: each alone.
    """

    backbone: str
    ends: tuple[EndToEnd, ...]
    stages: tuple[Stage, ...]


def report(measured: Measured) -> list[str]:
    """Return the report's lines of Markdown."""

    def shown(value: float | None) -> str:
        return "" if value is None else f"{value:.2f}"

    return [
        f"## End to end, {measured.backbone}",
        "",
        (
            "| size | precision | settings | images/s | times the plain Keras loop | cores busy "
            "| efficiency |"
        ),
        "|---|---|---|---|---|---|---|",
        *(
            f"| {e.size} | {e.precision} | {e.settings} | {e.rate:.1f} | {e.times_loop:.1f} | "
            f"{shown(e.cores_busy)} | {shown(e.efficiency)} |"
            for e in measured.ends
        ),
        "",
        "## Stages, each alone",
        "",
        "| size | precision | stage | core-ms per image |",
        "|---|---|---|---|",
        *(f"| {s.size} | {s.precision} | {s.stage} | {s.core_ms:.2f} |" for s in measured.stages),
    ]
