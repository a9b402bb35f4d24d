# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch map`: every picture as a point in two dimensions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from imgsearch.cli import completion
from imgsearch.cli.interrupts import INTERRUPTED, interrupts
from imgsearch.cli.progress import Steps, working
from imgsearch.cli.settings import JsonOption, Settings
from imgsearch.cli.tables import byte_size, counted, duration
from imgsearch.cli.terminal import FAINT, PLAIN, Line, write_data
from imgsearch.documents import gallery_documents, map_documents

if TYPE_CHECKING:
    from imgsearch.maps.gallery_map import MapAge, MapReport
    from imgsearch.maps.watch import MapProgress

TITLES: Final = {"read": "Reading", "layout": "Laying out", "place": "Placing"}
NAMES: Final = {"pca": "PCA", "tsne": "t-SNE"}


@dataclass(frozen=True)
class MapOptions:
    """Method, recipe and output."""

    method: Annotated[
        Literal["pca", "tsne"] | None,
        typer.Option(
            "--method",
            metavar="NAME",
            help="tsne keeps pictures that look alike together and needs 'pip install openTSNE'; "
            "pca needs nothing, is quick, and keeps few together. Default: that of the map that "
            "is there, else tsne if it is installed.",
        ),
    ] = None
    anew: Annotated[
        bool,
        typer.Option("--anew", help="Draw a new map, on which everything lies elsewhere."),
    ] = False
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="RECIPE",
            autocompletion=completion.recipes,
            help="Draw another recipe's embeddings: a backbone's name, or the first digits of an "
            "identifier that 'imgsearch info' shows.",
        ),
    ] = None
    json: JsonOption = False


def map_(*, options: MapOptions, settings: Settings) -> None:
    """Draw the map of the gallery: every picture as a point, near those that it looks like.

    The map is kept in the gallery. The same command brings it up to date: new pictures are placed
    among those that are there, which never move. Ctrl-C stops with nothing changed.
    """
    terminal = settings.terminal
    announce = not terminal.animates and not settings.quiet
    with (
        settings.open_gallery(terminal, recipe=options.recipe) as gallery,
        interrupts(announce=announce) as asked,
        working(terminal, "Reading", asked) as steps,
    ):
        report = gallery.draw_map(
            method=options.method,
            anew=options.anew,
            progress=partial(_show, steps),
            stop=asked.stop,
        )
    terminal.say_lines(summary(report, command=settings.command))
    if options.json:
        keys = map_documents.map_keys(gallery.path, report)
        write_data(gallery_documents.dump("map", keys))
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)


def _show(steps: Steps, progress: "MapProgress") -> None:
    steps.at(TITLES[progress.stage], progress.done, progress.total)


def summary(report: "MapReport", *, command: Callable[[str], str] = str) -> list[Line]:
    """Return what was drawn, as lines for a person.

    Args:
        report: the report.
        command: completes a command that is shown with the gallery that it is for.
    """
    if report.map is None:
        return [[("Interrupted: nothing was written.", "bold")]]
    pictures = counted(len(report.map), "picture")
    name = NAMES[report.map.method]
    if report.anew:
        headline = f"Drew a map of {pictures} by {name} in {duration(report.seconds)}."
    elif report.placed:
        headline = f"Placed {counted(report.placed, 'picture')} on the map, which shows {pictures}."
    else:
        headline = f"The map is up to date: {pictures}, by {name}."
    about = f"{counted(len(report.map.clusters), 'cluster')}, {byte_size(report.bytes)} on disk"
    lines: list[Line] = [[(headline, "bold")], [(f"  {about}", PLAIN)]]
    hint = _hint(report, command)
    return [*lines, [(f"Hint: {hint}", FAINT)]] if hint else lines


def _hint(report: "MapReport", command: Callable[[str], str]) -> str:
    from imgsearch.maps.layout import has_tsne

    if report.map is not None and report.map.age.outgrown:
        again = command("imgsearch map --anew")
        return f"{_outgrown(report.map.age)}; '{again}' draws a new map"
    if report.anew and not has_tsne():
        again = command("imgsearch map --method tsne")
        return (
            "PCA keeps few pictures that look alike together; after 'pip install openTSNE', "
            f"'{again}' keeps most"
        )
    return ""


def _outgrown(age: "MapAge") -> str:
    changes = f"{age.added:,} pictures came and {age.removed:,} went since it was drawn"
    if age.strangers:
        changes += f", {age.strangers:,} of them unlike those on it"
    return changes


map_.__name__ = "map"
