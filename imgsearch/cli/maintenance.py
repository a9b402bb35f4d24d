# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch remove`, `prune`, `check` and `relocate`: maintaining a gallery."""

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imgsearch import addresses
from imgsearch.cli.boundary import FAILED
from imgsearch.cli.progress import working
from imgsearch.cli.settings import JsonOption, Settings
from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.tables import byte_size, counted
from imgsearch.cli.terminal import FAINT, PLAIN, Line, complain, is_terminal, write_data
from imgsearch.documents import gallery_documents, maintenance_documents
from imgsearch.errors import UsageError
from imgsearch.storage.findings import FEW as FEW_DROPPED
from imgsearch.text import printable

if TYPE_CHECKING:
    from imgsearch.storage.findings import Finding

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without a question.")]
FEW: Final = 10  # files that may be named one by one without a question


def _is_much(files: int, before: int) -> bool:
    """Whether files are more than a tenth of a gallery."""
    return 10 * files > before


def _ask(what: str) -> None:
    """Ask whether to go on.

    Raises:
        UsageError: nobody is there to ask.
        typer.Exit: the answer is no.
    """
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise UsageError(f"{what}; say --yes if that is meant, or look first with --dry-run")
    if not typer.confirm(f"{printable(what)}. Go on?", err=True):
        complain("nothing was changed")
        raise typer.Exit(FAILED)


def remove(
    *,
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files, folders, or whole roots.")
    ],
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    json: JsonOption = False,
    settings: Settings,
) -> None:
    """Take files, folders or whole roots out of the gallery.

    The files on disk are not touched. A root that is removed is not indexed again; a file or
    folder comes back with the next 'imgsearch index' unless it is excluded.

    If more than a tenth of the gallery goes, the command asks first, or without a terminal wants
    --yes; not for ten files or fewer that are named one by one.
    """
    terminal = settings.terminal
    with settings.open_gallery(terminal) as gallery:
        if dry_run or not yes:
            with working(terminal, "Counting"):
                report = gallery.remove(*map(addresses.named, paths), dry_run=True)
            few = report.files == report.named <= FEW
            if not dry_run and not few and _is_much(report.files, report.before):
                _ask(
                    f"{report.files:,} of {counted(report.before, 'file')} would leave the gallery"
                )
        if not dry_run:
            with working(terminal, "Removing"):
                report = gallery.remove(*map(addresses.named, paths))
    done = "Dry run: would remove" if dry_run else "Removed"
    terminal.say(f"{done} {counted(report.files, 'file')} from the gallery.")
    if json:
        write_data(
            gallery_documents.dump(
                "remove", maintenance_documents.removal_keys(gallery.path, report)
            )
        )


def prune(*, json: JsonOption = False, settings: Settings) -> None:
    """Delete what no file needs any more.

    That is: contents without a file, with their embeddings, and old index caches and maps. The
    database is compacted.
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
            gallery_documents.dump("prune", maintenance_documents.prune_keys(gallery.path, report))
        )


def check(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Rebuild what can be rebuilt, delete the rest.")
    ] = False,
    files: Annotated[
        bool,
        typer.Option(
            "--files",
            help="Also read 200 files at random, and see whether they hold the bytes that were "
            "indexed.",
        ),
    ] = False,
    drop: Annotated[
        bool,
        typer.Option(
            "--drop",
            help="With --repair: drop damaged embeddings even if they are more than "
            f"{FEW_DROPPED}. The next index makes them again.",
        ),
    ] = False,
    json: JsonOption = False,
    settings: Settings,
) -> None:
    """Check the gallery for damage, and repair it.

    Checks the database, its rows, and the index caches and maps, which can be made again. Exits
    with 1 if anything is left to repair.
    """
    if drop and not repair:
        raise UsageError("--drop: nothing is dropped without --repair")
    terminal = settings.terminal
    with settings.open_gallery(terminal) as gallery, working(terminal, "Checking"):
        report = gallery.check(repair=repair, drop=drop, files=files)
    if json:
        write_data(
            gallery_documents.dump("check", maintenance_documents.check_keys(gallery.path, report))
        )
    else:
        many = sum(finding.drops for finding in report.findings) > FEW_DROPPED
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
        remedy = f"'imgsearch check --repair{' --drop' if many else ''}' repairs this"
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
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    force: Annotated[
        bool, typer.Option("--force", help="Do so even if none of its files is there now.")
    ] = False,
    json: JsonOption = False,
    settings: Settings,
) -> None:
    """Tell the gallery that a root has moved.

    Nothing is embedded again. Files that are not at the new place leave the gallery with the next
    index; if they are more than a tenth of it, the command asks first, or without a terminal
    wants --yes.
    """
    terminal = settings.terminal
    with settings.open_gallery(terminal) as gallery:
        with working(terminal, "Looking"):
            report = gallery.relocate(addresses.named(old), addresses.named(new), dry_run=True)
        lost = report.files - report.found
        if not dry_run and not force:
            if report.files and not report.found:
                raise UsageError(
                    f"{report.root}: none of the {counted(report.files, 'file')} of {old} is "
                    "there; check both paths, or say --force if they will be"
                )
            if not yes and _is_much(lost, report.before):
                _ask(f"{lost:,} of {counted(report.files, 'file')} are not in {report.root}")
        if not dry_run:
            with working(terminal, "Relocating"):
                report = gallery.relocate(addresses.named(old), addresses.named(new))
    terminal.say(
        f"{'Dry run: ' if dry_run else ''}{short_path(report.root)}: {report.found:,} of "
        f"{counted(report.files, 'file')} found there."
    )
    if json:
        write_data(
            gallery_documents.dump(
                "relocate", maintenance_documents.relocation_keys(gallery.path, report)
            )
        )
