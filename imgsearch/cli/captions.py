"""`imgsearch evaluate --captions`: whether words find the pictures that they describe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgsearch.cli.boundary import SOME_UNREADABLE
from imgsearch.cli.evaluation_table import difference_cell, interval, unreadable_lines
from imgsearch.cli.tables import align, counted
from imgsearch.cli.terminal import FAINT, PLAIN, Line, Span, write_data
from imgsearch.documents import evaluation_documents, gallery_documents
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from imgsearch.cli.evaluate_options import ResultOptions
    from imgsearch.cli.grid_options import GridOptions
    from imgsearch.cli.settings import Settings
    from imgsearch.evaluation.embedding_cache import EmbeddingCache
    from imgsearch.evaluation.embedding_run import Work
    from imgsearch.evaluation.ground_truth.image_files import ImageFiles
    from imgsearch.evaluation.networks import NetworkSource
    from imgsearch.evaluation.results import CaptionReport
    from imgsearch.evaluation.run import About
    from imgsearch.evaluation.variants import Variant


def check(grid: GridOptions, result: ResultOptions) -> None:
    """Refuse what words have no use for.

    Raises:
        UsageError: names the options.
    """
    given = {
        "--projection": grid.projection,
        "--scales": grid.scales,
        "--augment": grid.augment,
        "--expand": grid.expand,
        "--rerank": grid.rerank,
        "--metric": result.metric,
        "--report": result.report,
    }
    named = [name for name, there in given.items() if there]
    if named:
        raise UsageError(
            f"--captions compares words with the embeddings themselves and prints recall@1, @5 and "
            f"@10; leave out {', '.join(named)}"
        )


def measured(
    files: ImageFiles,
    path: str,
    variants: tuple[Variant, ...],
    *,
    source: NetworkSource,
    cache: EmbeddingCache,
    work: Work,
    about: About,
) -> CaptionReport:
    """Read captions, and measure whether they find their pictures."""
    from imgsearch.evaluation.captions import evaluate_captions, read_captions

    return evaluate_captions(
        files,
        read_captions(files, Path(path)),
        variants,
        source=source,
        cache=cache,
        work=work,
        about=about,
    )


def lines(report: CaptionReport) -> tuple[list[Line], list[Line]]:
    """Return the table of a report, and what a reader must know of it."""
    searched = counted(report.pictures, "picture")
    heading: Line = [
        ("captions", "bold"),
        (f": {counted(report.captions, 'text')} over {searched}", PLAIN),
    ]
    names = ["backbone", "pooling", "size"]
    metrics = [found.metric for found in report.variants[0].metrics]
    rows: list[list[Span]] = [[(name, FAINT) for name in [*names, *metrics, "difference", "dim"]]]
    for found in report.variants:
        main = found.metrics[0]
        rows.append(
            [
                (found.backbone, PLAIN),
                (found.pooling, PLAIN),
                (str(found.size), PLAIN),
                *((interval(each.estimate, each.metric), PLAIN) for each in found.metrics),
                difference_cell(main.difference, main.metric),
                (str(found.dim), PLAIN),
            ]
        )
    legend: Line = [
        ("share of a text's pictures among the first 1, 5, 10, in percent; difference: of ", FAINT),
        (f"{metrics[0]} to the first row; in brackets: 95 % bootstrap interval", FAINT),
    ]
    return [heading, *align(rows, "<<<" + ">" * (len(metrics) + 2))], [legend]


def show(report: CaptionReport, settings: Settings, *, json: bool) -> None:
    """Print a report.

    Raises:
        typer.Exit: files could not be read.
    """
    terminal = settings.terminal
    table, legend = lines(report)
    (terminal.say_lines if json else terminal.show)(table)
    terminal.say_lines(legend)
    terminal.say_lines(unreadable_lines(report, everything=settings.verbose))
    if json:
        write_data(gallery_documents.dump("captions", evaluation_documents.caption_keys(report)))
    if report.unreadable:
        raise typer.Exit(SOME_UNREADABLE)
