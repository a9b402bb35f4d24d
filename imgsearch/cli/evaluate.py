# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch evaluate`: which backbone retrieves best on your photos, and at what cost."""

import shlex
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imgsearch.cli.boundary import SOME_UNREADABLE
from imgsearch.cli.evaluate_options import ResultOptions, WorkOptions
from imgsearch.cli.grid_options import GridOptions
from imgsearch.cli.interrupts import INTERRUPTED, interrupts
from imgsearch.cli.native_stderr import native_stderr_held
from imgsearch.cli.network_options import NetworkOptions
from imgsearch.cli.progress import Steps, working
from imgsearch.cli.settings import Settings
from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.terminal import Terminal, write_data
from imgsearch.cli.truth_options import TruthOptions
from imgsearch.documents import evaluation_documents, gallery_documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.evaluation.embedding_run import Progress, Work
    from imgsearch.evaluation.networks import NetworkSource
    from imgsearch.evaluation.results import EvaluationReport

TITLES: Final = {"embed": "Embedding", "measure": "Measuring costs", "evaluate": "Evaluating"}
GOES_ON: Final = "Interrupted. The same command continues where this one stopped."
STARTS_ANEW: Final = "Interrupted. Without --no-cache, the same command would continue from here."


def evaluate(
    *,
    photos: Annotated[str, typer.Argument(metavar="PHOTOS", help="The folder of labelled photos.")],
    truth: TruthOptions,
    grid: GridOptions,
    networks: NetworkOptions,
    work: WorkOptions,
    result: ResultOptions,
    settings: Settings,
) -> None:
    """Measure how well backbones retrieve on your own labelled photos, and what they cost.

    Every image is a query for the others of its class. Embeddings are cached, so another backbone
    costs only its own. Ctrl-C stops cleanly; the same command continues.
    """
    from imgsearch.cli import captions
    from imgsearch.evaluation.evaluator import METRICS
    from imgsearch.evaluation.metrics.metrics import parse_metric
    from imgsearch.evaluation.run import About, evaluate

    truth.check()
    if truth.captions is not None:
        captions.check(grid, result)
    report_path = result.report_path()
    metrics = tuple(result.metric) or METRICS
    for metric in metrics:
        parse_metric(metric)
    terminal = settings.terminal
    wanted = grid.grid(networks.requests([*grid.backbone, *grid.concatenate]))
    about = About(command=command_line(), folder=str(Path(photos).absolute()))
    source = network_source()
    resolve = partial(source.resolve, offline=networks.offline)
    with (
        tempfile.TemporaryDirectory(prefix="imgsearch-") as temporary,
        watched_work(terminal, work, quiet=settings.quiet) as doing,
    ):
        cache = work.embedding_cache(Path(temporary))
        if truth.captions is not None:
            files, variants = truth.files(photos), wanted.variants(resolve)
            found = captions.measured(
                files, truth.captions, variants, source=source, cache=cache, work=doing, about=about
            )
        else:
            truths = truth.read(photos)
            report = evaluate(
                truths,
                wanted.variants(resolve),
                source=source,
                cache=cache,
                metrics=metrics,
                work=doing,
                about=about,
            )
    if truth.captions is not None:
        captions.show(found, settings, json=result.json)
        return
    _show_report(report, report_path, result, settings)


def _show_report(
    report: "EvaluationReport", report_path: Path | None, result: ResultOptions, settings: Settings
) -> None:
    from imgsearch.cli.evaluation_table import (
        USUAL,
        cost_line,
        evaluation_lines,
        legend_lines,
        unreadable_lines,
    )

    terminal = settings.terminal
    if report_path is not None:
        from imgsearch.evaluation.report.html import write_report

        write_report(report, report_path)
    show = terminal.say_lines if result.json else terminal.show
    for place, judged in enumerate(report.ground_truths):
        show([*([[]] if place else []), *evaluation_lines(judged, metrics=result.metric or USUAL)])
    terminal.say_lines(legend_lines(report.ground_truths, notes=report.notes))
    terminal.say_lines([cost_line(report)])
    terminal.say_lines(unreadable_lines(report, everything=settings.verbose))
    if report_path is not None:
        terminal.say(f"Report: {short_path(report_path.absolute())}")
    if result.json:
        write_data(
            gallery_documents.dump("evaluation", evaluation_documents.evaluation_keys(report))
        )
    if report.unreadable:
        raise typer.Exit(SOME_UNREADABLE)


def network_source() -> "NetworkSource":
    """Return the source of networks; tests replace it."""
    from imgsearch.evaluation import networks

    return networks.CatalogueNetworks()


def command_line() -> str:
    """Return the command of this process, quoted for a shell."""
    return shlex.join(["imgsearch", *sys.argv[1:]])


@contextmanager
def watched_work(terminal: Terminal, options: WorkOptions, *, quiet: bool) -> "Iterator[Work]":
    """Yield a run's settings, with progress on the terminal and Ctrl-C for a clean stop.

    Raises:
        typer.Exit: the run was stopped.
    """
    from imgsearch.evaluation.embedding_run import StoppedError, Work

    announce = not terminal.animates and not quiet
    try:
        with (
            native_stderr_held(terminal),
            interrupts(announce=announce) as asked,
            working(terminal, "Looking", asked) as steps,
        ):
            yield Work(
                batch_size=options.batch_size,
                jobs=options.jobs,
                progress=partial(_show, steps),
                stop=asked.stop,
            )
    except StoppedError:
        terminal.say(STARTS_ANEW if options.no_cache else GOES_ON)
        raise typer.Exit(INTERRUPTED) from None


def _show(steps: Steps, progress: "Progress") -> None:
    title = TITLES[progress.stage]
    steps.at(title, progress.done, progress.total, rate=progress.images_per_second)
