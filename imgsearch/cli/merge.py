# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch merge`: join galleries that were indexed apart."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgsearch.cli.boundary import SOME_UNREADABLE
from imgsearch.cli.progress import working
from imgsearch.cli.settings import JsonOption, Settings
from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.tables import counted
from imgsearch.cli.terminal import FAINT, PLAIN, Line, write_data
from imgsearch.documents import gallery_documents, maintenance_documents
from imgsearch.text import printable

if TYPE_CHECKING:
    from imgsearch.gallery.merging import MergedPart


@dataclass(frozen=True)
class MergeOptions:
    """What is taken in, and what is printed."""

    any_recipe: Annotated[
        bool,
        typer.Option(
            "--any-recipe",
            help="Also take in galleries that have no recipe in common with this one; theirs is "
            "searched by itself, with query --recipe.",
        ),
    ] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False
    json: JsonOption = False


def merge(
    *,
    parts: Annotated[
        list[str], typer.Argument(metavar="PART", help="The galleries' folders; only read.")
    ],
    options: MergeOptions,
    settings: Settings,
) -> None:
    """Join galleries that were indexed apart into one, such as the shares of index --shard.

    Nothing is embedded, and no photo is read. Each part comes in whole or not at all; the same
    command can be run again, and after a crash it goes on. A part that is damaged, or was indexed
    with other recipes only, is left out with the reason, and the command exits with 3.

    What 'index --regions' made for 'query --anywhere' comes along from the first gallery that has
    it, and from those whose projection is the same. How many pictures still lack it is said.
    """
    terminal = settings.terminal
    with settings.open_gallery(terminal) as gallery, working(terminal, "Merging"):
        report = gallery.merge(
            *map(Path, parts), any_recipe=options.any_recipe, dry_run=options.dry_run
        )
    for part in report.parts:
        terminal.say_lines(_lines(part, dry_run=report.dry_run))
    if report.regions_to_make:
        verb = "would be" if report.dry_run else "are"
        terminal.say(
            f"Parts of {counted(report.regions_to_make, 'picture')} {verb} still to be made for "
            f"'query --anywhere': '{settings.command('imgsearch index --regions')}' does that "
            "where the folders are at hand."
        )
    if options.json:
        write_data(
            gallery_documents.dump("merge", maintenance_documents.merge_keys(gallery.path, report))
        )
    if report.refused:
        terminal.warn(f"{counted(report.refused, 'part')} left out")
        raise typer.Exit(SOME_UNREADABLE)


def _lines(part: "MergedPart", *, dry_run: bool) -> list[Line]:
    name = short_path(part.path)
    if part.reason is not None:
        return [
            [(f"{name}: ", PLAIN), ("left out", "yellow"), (f": {printable(part.reason)}", PLAIN)]
        ]
    joined = part.joined
    counts = [counted(joined.files, "file"), counted(joined.embeddings, "embedding")]
    counts += [f"parts of {counted(joined.regions, 'picture')}"] * bool(joined.regions)
    counts += [f"{counted(joined.newer, 'file')} newer there"] * bool(joined.newer)
    counts += [f"{counted(joined.older, 'file')} older there, kept as here"] * bool(joined.older)
    verb = "would add" if dry_run else "added"
    lines: list[Line] = [[(f"{name}: {verb} {', '.join(counts)}", PLAIN)]]
    return lines + [[(f"  {printable(remark)}", FAINT)] for remark in part.remarks]
