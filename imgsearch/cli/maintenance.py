# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch remove`, `prune`, `check`, `relocate`: looking after a gallery."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgsearch.cli.boundary import FAILED
from imgsearch.cli.settings import Settings
from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.tables import byte_size, counted
from imgsearch.cli.terminal import FAINT, PLAIN, Line, write_data
from imgsearch.documents import gallery_documents
from imgsearch.errors import UsageError
from imgsearch.storage.findings import FEW
from imgsearch.text import printable

if TYPE_CHECKING:
    from imgsearch.storage.findings import Finding

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the report as JSON on standard output.")
]


def remove(
    *,
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files, folders, or whole roots.")
    ],
    json: JsonOption = False,
    settings: Settings,
) -> None:
    """Take files, folders or whole roots out of the gallery.

    The pictures on disk are not touched. A root that is removed is not indexed again; a file or
    folder comes back with the next index unless it is excluded.
    """
    terminal = settings.terminal
    with settings.open_gallery(terminal) as gallery, terminal.working("Removing"):
        report = gallery.remove(*map(Path, paths))
    terminal.say(f"Removed {counted(report.files, 'file')} from the gallery.")
    if json:
        write_data(
            gallery_documents.dump("remove", gallery_documents.removal_keys(gallery.path, report))
        )


def prune(*, json: JsonOption = False, settings: Settings) -> None:
    """Clear away what no file needs any more.

    That is: contents that no file holds, with their embeddings, and old index caches. The
    database is compacted.
    """
    terminal = settings.terminal
    with settings.open_gallery(terminal) as gallery, terminal.working("Pruning"):
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
        bool, typer.Option("--repair", help="Rebuild what can be rebuilt, clear away the rest.")
    ] = False,
    drop: Annotated[
        bool,
        typer.Option(
            "--drop",
            help=f"With --repair: drop damaged embeddings even if they are more than {FEW}. The "
            "next index makes them again.",
        ),
    ] = False,
    json: JsonOption = False,
    settings: Settings,
) -> None:
    """Examine the gallery for damage, and repair it.

    Looks at the database, its rows and the index caches, which are disposable. Exits with 1
    when anything is left to mend.
    """
    if drop and not repair:
        raise UsageError("--drop: nothing is dropped without --repair")
    terminal = settings.terminal
    with settings.open_gallery(terminal) as gallery, terminal.working("Checking"):
        report = gallery.check(repair=repair, drop=drop)
    if json:
        write_data(
            gallery_documents.dump("check", gallery_documents.check_keys(gallery.path, report))
        )
    else:
        many = sum(finding.drops for finding in report.findings) > FEW
        terminal.show([_finding(finding, many=many) for finding in report.findings])
    if not report.clean:
        raise typer.Exit(FAILED)
    terminal.say("The gallery is sound.")


def _finding(finding: "Finding", *, many: bool = False) -> Line:
    style = {"damage": "bold red", "cache": "yellow"}.get(finding.severity, FAINT)
    if finding.repaired:
        dropped = f", {counted(finding.drops, 'embedding')} dropped" if finding.drops else ""
        remedy = f"repaired{dropped}"
    elif finding.severity == "note":
        remedy = ""
    elif finding.repairable:
        remedy = f"'imgsearch check --repair{' --drop' if many else ''}' mends this"
    else:
        remedy = "cannot be mended: index the photos into a new gallery"
    return [
        (f"{finding.severity}: ", style),
        (printable(finding.what), PLAIN),
        (f" ({remedy})" if remedy else "", "green" if finding.repaired else FAINT),
    ]


def relocate(
    *,
    old: Annotated[
        str, typer.Argument(metavar="OLD", help="Where a root lay, as 'imgsearch info' shows it.")
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Where it lies now.")],
    json: JsonOption = False,
    settings: Settings,
) -> None:
    """Tell the gallery that a root lies elsewhere now.

    Nothing is embedded again.
    """
    terminal = settings.terminal
    with settings.open_gallery(terminal) as gallery, terminal.working("Relocating"):
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
