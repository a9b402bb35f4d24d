# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch apply`: carry out a plan, or show what it would do."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imgsearch.cli.boundary import FAILED
from imgsearch.cli.interrupts import INTERRUPTED, interrupts
from imgsearch.cli.progress import working
from imgsearch.cli.settings import JsonOption, Settings
from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.tables import byte_size, counted
from imgsearch.cli.terminal import FAINT, PLAIN, Line, Terminal, write_data
from imgsearch.documents import gallery_documents, plan_documents
from imgsearch.quantities import share
from imgsearch.text import printable

if TYPE_CHECKING:
    from imgsearch.plans.plan import Plan, PlannedGroup
    from imgsearch.plans.reports import ApplyReport


@dataclass(frozen=True)
class ApplyOptions:
    """Whether anything is done, and where files go."""

    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do it. Without this, it is only shown.")
    ] = False
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="FOLDER",
            help="Move files into this folder instead of the trash, each with the folders that it "
            "lay in; nothing is overwritten.",
        ),
    ] = None
    link: Annotated[
        Literal["hard", "reflink", "symlink"] | None,
        typer.Option(
            "--link",
            metavar="KIND",
            help="Put a link to the keeper in each file's place: hard or reflink (for files with "
            "the keeper's bytes), or symlink.",
        ),
    ] = None
    edited: Annotated[
        bool,
        typer.Option(
            "--edited",
            help="Accept a plan that entries were taken out of. Any other change is refused.",
        ),
    ] = False
    json: JsonOption = False


def apply(
    *,
    plan: Annotated[
        str, typer.Argument(metavar="PLAN", help="What 'imgsearch duplicates --plan' wrote.")
    ],
    options: ApplyOptions,
    settings: Settings,
) -> None:
    """Put the files of a plan into the trash, or show which; nothing is deleted.

    If anything is not as it was when the plan was made, nothing is done. Right before a file goes,
    it and the one that stays are read once more. 'imgsearch undo' takes it back.
    """
    from imgsearch.plans.plan_file import read_plan

    terminal = settings.terminal
    read = read_plan(Path(plan), edited=options.edited)
    with (
        settings.open_gallery(terminal) as gallery,
        interrupts(announce=not terminal.animates) as pressed,
        working(terminal, "Looking", pressed) as steps,
    ):
        report = gallery.apply(
            read,
            to=options.to,
            link=options.link,
            dry_run=not options.yes,
            progress=lambda done, total: steps.at("Removing", done, total),
            stop=pressed.stop,
        )
    if options.json:
        content = plan_documents.apply_keys(gallery.path, report)
        write_data(gallery_documents.dump("apply", content))
    elif report.dry_run:
        _show(read, set(report.removed), terminal)
    _say(report, settings)
    if report.refused:
        raise typer.Exit(FAILED)
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)


def _show(plan: "Plan", going: set[Path], terminal: Terminal) -> None:
    for group in plan.groups:
        if any(item.file.path in going for item in group.removals):
            terminal.show(_lines(group, going))


def _lines(group: "PlannedGroup", going: set[Path]) -> list[Line]:
    lines: list[Line] = [
        [
            ("keep    ", "green"),
            (short_path(group.keeper.path), "bold"),
            (f"  {printable(group.reason)}", FAINT),
        ]
    ]
    for item in group.removals:
        if item.file.path not in going:
            continue
        said = ", ".join([f"{item.kind} {share(item.certainty)}", *item.changes])
        lines.append(
            [
                ("remove  ", "yellow"),
                (short_path(item.file.path), PLAIN),
                (f"  {byte_size(item.file.bytes)}, {printable(said)}", FAINT),
            ]
        )
        if item.only_here:
            lines.append(
                [("        only it has: " + printable(", ".join(item.only_here)), "yellow")]
            )
    lines += [
        [
            ("leave   ", FAINT),
            (short_path(left.path), PLAIN),
            (f"  {printable(left.reason)}", FAINT),
        ]
        for left in group.left
    ]
    return [*lines, []]


def _say(report: "ApplyReport", settings: Settings) -> None:
    terminal = settings.terminal
    for refusal in report.refused:
        terminal.warn(f"left as it is: {refusal.reason}")
    link = {None: "", "hard": "a hard link", "reflink": "a reflink", "symlink": "a symlink"}
    place = f", {link[report.link]} to the keeper in each one's place" if report.link else ""
    files = f"{counted(len(report.removed), 'file')} of {byte_size(report.bytes)}"
    if report.before:
        terminal.say(f"{counted(report.before, 'file')} of the plan went before.")
    if report.dry_run:
        terminal.say(f"{files} would go to {report.where}{place}.")
        if report.removed:
            terminal.say("Nothing was done: --yes does it, and 'imgsearch undo' takes it back.")
        return
    terminal.say(f"{files} went to {report.where}{place}.")
    if report.interrupted:
        terminal.say("Interrupted: the same command goes on.")
    if report.removed:
        terminal.say(f"'{settings.command('imgsearch undo')}' takes it back.")
