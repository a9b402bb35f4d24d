# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch remove`, `prune`, `check` and `relocate`: maintaining a gallery."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgsearch.cli.boundary import FAILED
from imgsearch.cli.progress import working
from imgsearch.cli.settings import JsonOption, Settings
from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.tables import byte_size, counted
from imgsearch.cli.terminal import FAINT, PLAIN, Line, write_data
from imgsearch.documents import gallery_documents
from imgsearch.text import printable

if TYPE_CHECKING:
    from imgsearch.storage.findings import Finding


def remove(
    *,
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files, folders, or whole roots.")
    ],
    json: JsonOption = False,
    settings: Settings,
) -> None:
    """Take files, folders or whole roots out of the gallery.

    The files on disk are not touched. A root that is removed is not indexed again; a file or
    folder comes back with the next 'imgsearch index' unless it is excluded.
    """
    terminal = settings.terminal
    with settings.open_gallery(terminal) as gallery, working(terminal, "Removing"):
        report = gallery.remove(*map(Path, paths))
    terminal.say(f"Removed {counted(report.files, 'file')} from the gallery.")
    if json:
        write_data(
            gallery_documents.dump("remove", gallery_documents.removal_keys(gallery.path, report))
        )


def prune(*, json: JsonOption = False, settings: Settings) -> None:
    """Delete what no file needs any more.

    That is: contents without a file, with their embeddings, and old index caches. The database
    is compacted.
    """
    terminal = settings.terminal
    with settings.open_gallery(terminal) as gallery, working(terminal, "Pruning"):
        report = gallery.prune()
    terminal.say(
        f"Pruned {counted(report.contents, 'content')} and {counted(report.caches, 'cache')}; "
        f"{byte_size(report.bytes_freed)} freed."
    )
    if json:
        write_data(
            gallery_documents.dump("prune", gallery_documents.prune_keys(gallery.path, report))
        )


def check(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Rebuild what can be rebuilt, delete the rest.")
    ] = False,
    json: JsonOption = False,
    settings: Settings,
) -> None:
    """Check the gallery for damage, and repair it.

    Checks the database, its rows and the index caches, which can be rebuilt. Exits with 1 if
    anything is left to repair.
    """
    terminal = settings.terminal
    with settings.open_gallery(terminal) as gallery, working(terminal, "Checking"):
        report = gallery.check(repair=repair)
    if json:
        write_data(
            gallery_documents.dump("check", gallery_documents.check_keys(gallery.path, report))
        )
    else:
        terminal.show([_finding(finding) for finding in report.findings])
    if not report.clean:
        raise typer.Exit(FAILED)
    terminal.say("The gallery is sound.")


def _finding(finding: "Finding") -> Line:
    style = {"damage": "bold red", "cache": "yellow"}.get(finding.severity, FAINT)
    if finding.repaired:
        remedy = "repaired"
    elif finding.severity == "note":
        remedy = ""
    elif finding.repairable:
        remedy = "'imgsearch check --repair' repairs this"
    else:
        remedy = "cannot be repaired: index the photos into a new gallery"
    return [
        (f"{finding.severity}: ", style),
        (printable(finding.what), PLAIN),
        (f" ({remedy})" if remedy else "", "green" if finding.repaired else FAINT),
    ]


def relocate(
    *,
    old: Annotated[
        str,
        typer.Argument(metavar="OLD", help="The old path, as 'imgsearch info' shows it."),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new path.")],
    json: JsonOption = False,
    settings: Settings,
) -> None:
    """Tell the gallery that a root has moved.

    Nothing is embedded again.
    """
    terminal = settings.terminal
    with settings.open_gallery(terminal) as gallery, working(terminal, "Relocating"):
        report = gallery.relocate(Path(old), Path(new))
    terminal.say(
        f"{short_path(report.root)}: {report.found:,} of {counted(report.files, 'file')} found "
        "there."
    )
    if json:
        write_data(
            gallery_documents.dump(
                "relocate", gallery_documents.relocation_keys(gallery.path, report)
            )
        )
