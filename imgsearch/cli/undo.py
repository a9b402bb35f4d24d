# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch undo`: put back what `imgsearch apply` put elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from imgsearch.cli.boundary import FAILED
from imgsearch.cli.progress import working
from imgsearch.cli.settings import JsonOption, Settings
from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.tables import counted
from imgsearch.cli.terminal import PLAIN, write_data
from imgsearch.documents import gallery_documents, plan_documents


def undo(
    *,
    journal: Annotated[
        str | None,
        typer.Argument(
            metavar="[JOURNAL]", help="What to take back (default: the last 'imgsearch apply')."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    json: JsonOption = False,
    settings: Settings,
) -> None:
    """Put back what 'imgsearch apply' put elsewhere.

    Nothing is overwritten: where something else is now, the file stays where it is, and the command
    exits with 1. Doing it again does nothing more.
    """
    terminal = settings.terminal
    with settings.open_gallery(terminal) as gallery, working(terminal, "Looking") as steps:
        report = gallery.undo(
            None if journal is None else Path(journal),
            dry_run=dry_run,
            progress=lambda done, total: steps.at("Restoring", done, total),
        )
    if json:
        content = plan_documents.undo_keys(gallery.path, report)
        write_data(gallery_documents.dump("undo", content))
    elif dry_run:
        terminal.show([[(short_path(path), PLAIN)] for path in report.restored])
    for refusal in report.refused:
        terminal.warn(refusal.reason)
    done = "would be put back" if dry_run else "put back"
    in_place = f", {report.in_place:,} in place already" if report.in_place else ""
    terminal.say(f"{counted(len(report.restored), 'file')} {done}{in_place}.")
    if report.refused:
        raise typer.Exit(FAILED)
