"""The report of an evaluation: one HTML file that needs nothing else, on any machine, offline.

It is meant to be passed on, so it embeds its images, requests nothing from any server (a content
security policy forbids it), and escapes the names of files and classes.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from imgsearch import html_pages
from imgsearch.evaluation.report import number_format, pareto_plot
from imgsearch.evaluation.report.album import Album
from imgsearch.evaluation.report.page import GroundTruthView
from imgsearch.files import write_atomically

if TYPE_CHECKING:
    from jinja2 import Environment

    from imgsearch.evaluation.results import EvaluationReport


def write_report(report: EvaluationReport, path: Path) -> None:
    """Write a report as one self-contained HTML file, whole or not at all.

    An existing file is replaced. Images are read again for their thumbnails; of one that has
    become unreadable, the name is shown.

    Args:
        report: of the evaluation.
        path: of the HTML file; its folder has to exist.

    Raises:
        OSError: the file cannot be written.
    """
    write_atomically(path, [render(report).encode("utf-8")])


def render(report: EvaluationReport) -> str:
    """Return the report's HTML."""
    album = Album(report.folder)
    views = [
        GroundTruthView(result, key=f"t{place}", album=album)
        for place, result in enumerate(report.ground_truths)
        if result.variants
    ]
    # Thumbnails stand at the page's start, so they are collected before anything is rendered.
    for view in views:
        view.details  # noqa: B018  read once here, kept by the view
    template = _environment().get_template("report.html")
    return template.render(
        report=report,
        title=Path(report.folder).name or report.folder,
        started=_moment(report.started),
        views=views,
        album=album,
        plot=pareto_plot,
    )


@cache
def _environment() -> Environment:
    environment = html_pages.environment("imgsearch.evaluation.report")
    for tool in (
        number_format.amount,
        number_format.duration,
        number_format.figure,
        number_format.heading,
        number_format.interval,
        number_format.is_certain,
        number_format.signed,
        number_format.signed_interval,
    ):
        environment.filters[tool.__name__] = tool
    return environment


def _moment(started: str) -> str:
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return started
    return f"{moment:%Y-%m-%d %H:%M} UTC"
