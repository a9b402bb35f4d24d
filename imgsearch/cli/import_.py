# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch import`: take in embeddings that were made elsewhere."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from imgsearch.cli.progress import working
from imgsearch.cli.recipe_options import RecipeOptions
from imgsearch.cli.settings import JsonOption, Settings
from imgsearch.cli.tables import counted
from imgsearch.cli.terminal import FAINT, PLAIN, Line, write_data
from imgsearch.documents import gallery_documents, maintenance_documents
from imgsearch.text import printable

if TYPE_CHECKING:
    from imgsearch.exchange.importing import ImportReport


@dataclass(frozen=True)
class ImportOptions:
    """Whose the embeddings are, and what is printed."""

    paths: Annotated[
        str | None,
        typer.Option(
            "--paths",
            metavar="FILE",
            help="Whose each row is: .csv, .tsv, .jsonl, .parquet, or .txt with a path on each "
            "line (default: the file of the same name beside the array).",
        ),
    ] = None
    relative_to: Annotated[
        str | None,
        typer.Option(
            "--relative-to",
            metavar="DIR",
            help="What relative paths are relative to (default: the folder of the embeddings).",
        ),
    ] = None
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="What the embeddings are called where their network is not known (default: "
            "imported); those of equal names are comparable. query --recipe NAME asks them.",
        ),
    ] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False
    json: JsonOption = False


def import_(
    *,
    embeddings: Annotated[
        str,
        typer.Argument(
            metavar="EMBEDDINGS",
            help="A .npy or .parquet file, or a folder that 'imgsearch export' or clip-retrieval "
            "wrote.",
        ),
    ],
    options: ImportOptions,
    recipe: RecipeOptions,
    settings: Settings,
) -> None:
    """Take in embeddings that were made elsewhere, with the paths of their pictures.

    They are searched under a recipe of their own. With --backbone and its like, new pictures can be
    asked about and indexed, too; without, only those of the gallery can. Pictures that are there
    are read once, and never embedded. Doing it again changes nothing.
    """
    terminal = settings.terminal
    gallery = settings.open_gallery(terminal, recipe=recipe.request(), offline=recipe.offline)
    with gallery, working(terminal, "Importing"):
        report = gallery.import_embeddings(
            embeddings,
            listing=options.paths,
            folder=options.relative_to,
            name=options.name,
            dry_run=options.dry_run,
        )
    terminal.say_lines(_lines(report))
    if options.json:
        write_data(
            gallery_documents.dump(
                "import", maintenance_documents.import_keys(gallery.path, report)
            )
        )


def _lines(report: "ImportReport") -> list[Line]:
    verb = "Would import" if report.dry_run else "Imported"
    count = counted(report.embeddings, "embedding")
    name = printable(report.recipe.name)
    new = f"{counted(report.contents, 'new content')}, {counted(report.files, 'new file')}"
    lines: list[Line] = [
        [(f"{verb} {count} under {name}, of {counted(report.rows, 'row')}.", "bold")],
        [(f"  {new}; {counted(report.read, 'file')} there, and read", PLAIN)],
    ]
    if report.changed:
        files = counted(report.changed, "file")
        lines.append([(f"  {files} not as embedded; 'imgsearch index' embeds anew", "yellow")])
    if report.ignored:
        names = ", ".join(map(printable, report.ignored))
        lines.append([(f"  columns not taken: {names}", FAINT)])
    return lines


# "import" is a word of Python's.
import_.__name__ = "import"
