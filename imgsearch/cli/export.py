# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch export`: the embeddings, for other programs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from imgsearch.cli.progress import working
from imgsearch.cli.settings import Settings
from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.tables import counted
from imgsearch.cli.terminal import PLAIN, Line, write_data
from imgsearch.documents import gallery_documents


@dataclass(frozen=True)
class ExportOptions:
    """What is exported, and how."""

    format: Annotated[
        Literal["npy", "parquet"],
        typer.Option(
            "--format",
            metavar="NAME",
            help="npy: a NumPy array beside JSON lines (default); parquet: one table.",
        ),
    ] = "npy"
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="RECIPE",
            help="Export another recipe's embeddings: a backbone's name, or the first digits of "
            "an identifier that 'imgsearch info' shows.",
        ),
    ] = None
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export in that folder.")
    ] = False
    json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON on standard output.")
    ] = False


def export(
    *,
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="Where the files go; made if it is not there.")
    ],
    options: ExportOptions,
    settings: Settings,
) -> None:
    """Write the embeddings for other programs.

    Each row of the array belongs to the line of the same number, which names the content and its
    files.
    """
    terminal = settings.terminal
    with (
        settings.open_gallery(terminal, recipe=options.recipe) as gallery,
        working(terminal, "Exporting"),
    ):
        report = gallery.export(Path(folder), format=options.format, overwrite=options.overwrite)
    files: list[Line] = [[(f"  {short_path(path)}", PLAIN)] for path in report.files]
    count = counted(report.embeddings, "embedding")
    terminal.say_lines([[(f"Exported {count} of dim {report.dim}:", PLAIN)], *files])
    if options.json:
        write_data(
            gallery_documents.dump("export", gallery_documents.export_keys(gallery.path, report))
        )
