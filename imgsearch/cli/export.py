# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch export`: write the embeddings for other programs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from imgsearch.cli import completion
from imgsearch.cli.progress import working
from imgsearch.cli.settings import JsonOption, Settings
from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.tables import counted
from imgsearch.cli.terminal import PLAIN, Line, write_data
from imgsearch.documents import gallery_documents, maintenance_documents
from imgsearch.exchange.layouts import Layout


@dataclass(frozen=True)
class ExportOptions:
    """Layout, recipe and output."""

    layout: Annotated[
        Layout,
        typer.Option(
            "--layout",
            metavar="NAME",
            help="npy (default): a NumPy array and a JSON Lines file; parquet: one table; "
            "clip-retrieval: an array and a table, as that program lays them out.",
        ),
    ] = "npy"
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="RECIPE",
            autocompletion=completion.recipes,
            help="Export another recipe's embeddings: a backbone's name, or the first digits of "
            "an identifier that 'imgsearch info' shows.",
        ),
    ] = None
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export in that folder.")
    ] = False
    json: JsonOption = False


def export(
    *,
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="Output folder; created if it does not exist.")
    ],
    options: ExportOptions,
    settings: Settings,
) -> None:
    """Write the embeddings for other programs.

    Row n of the array belongs to line n of the JSON Lines file, or row n of the table, which names
    the content and its files. recipe.json is written last: without it, an export is not whole.
    'imgsearch import' takes it in again.
    """
    terminal = settings.terminal
    with (
        settings.open_gallery(terminal, recipe=options.recipe) as gallery,
        working(terminal, "Exporting"),
    ):
        report = gallery.export(Path(folder), layout=options.layout, overwrite=options.overwrite)
    files: list[Line] = [[(f"  {short_path(path)}", PLAIN)] for path in report.files]
    count = counted(report.embeddings, "embedding")
    terminal.say_lines([[(f"Exported {count} of dim {report.dim}:", PLAIN)], *files])
    if options.json:
        write_data(
            gallery_documents.dump(
                "export", maintenance_documents.export_keys(gallery.path, report)
            )
        )
