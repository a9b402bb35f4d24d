# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch compare`: how alike two pictures are."""

import os
from dataclasses import dataclass
from typing import Annotated

import typer

from imgsearch import addresses
from imgsearch.cli import comma_separated
from imgsearch.cli.inputs import (
    STANDARD_INPUT,
    check_path,
    missing_files_are_usage,
    standard_input_bytes,
)
from imgsearch.cli.native_stderr import native_stderr_held
from imgsearch.cli.settings import Settings
from imgsearch.cli.terminal import FAINT, PLAIN, write_data
from imgsearch.documents import gallery_documents
from imgsearch.errors import UsageError
from imgsearch.recipe import AUTO
from imgsearch.text import printable


@dataclass(frozen=True)
class CompareOptions:
    """Which embeddings are compared, and how that is printed."""

    recipe: Annotated[
        str | None,
        typer.Option("--recipe", metavar="RECIPE", help="As 'imgsearch query' takes it."),
    ] = None
    projection: Annotated[
        str, typer.Option("--projection", metavar="WHICH", help="As 'imgsearch query' takes it.")
    ] = AUTO
    offline: Annotated[bool, typer.Option("--offline", help="Never download weights.")] = False
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values.")] = False


def compare(
    *,
    one: Annotated[
        str, typer.Argument(metavar="ONE", help="An image file, or '-' for standard input.")
    ],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Another one.")],
    options: CompareOptions,
    settings: Settings,
) -> None:
    """Say how alike two pictures are: as this gallery's queries would, and before any projection.

    Both scores are cosine similarities: larger is nearer, 1 is the same. The gallery need not
    hold the pictures.
    """
    names = (one, other)
    if options.json and options.csv:
        raise UsageError("--json and --csv exclude each other; give one of them")
    if names == (STANDARD_INPUT, STANDARD_INPUT):
        raise UsageError("'-' may stand for standard input only once")
    terminal = settings.terminal
    with (
        missing_files_are_usage(names),
        native_stderr_held(terminal),
        settings.open_gallery(
            terminal,
            runtime="quick",
            recipe=options.recipe,
            projection=options.projection,
            offline=options.offline,
        ) as gallery,
    ):
        found = gallery.compare(
            *(standard_input_bytes() if n == STANDARD_INPUT else check_path(n) for n in names)
        )
        where = gallery.path
    if options.json:
        images = [None if name == STANDARD_INPUT else addresses.named(name) for name in names]
        content = gallery_documents.comparison_keys(where, images, found)
        write_data(gallery_documents.dump("compare", content))
    elif options.csv:
        values = (
            *(comma_separated.harmless(printable(os.fspath(name))) for name in names),
            f"{found.score:.6f}",
            f"{found.raw_score:.6f}",
            comma_separated.truth(found.same_content),
            found.projection,
        )
        head = comma_separated.head(comma_separated.COMPARISON_COLUMNS)
        write_data(head + comma_separated.line(values))
    else:
        same = [("  the same content", PLAIN)] if found.same_content else []
        terminal.show(
            [
                [(f"{found.score:.3f}", "bold"), ("  as searched", FAINT), *same],
                [(f"{found.raw_score:.3f}", PLAIN), ("  without a projection", FAINT)],
            ]
        )
