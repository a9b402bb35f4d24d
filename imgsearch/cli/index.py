# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch index`: create or update the gallery."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from imgsearch.cli.boundary import SOME_UNREADABLE
from imgsearch.cli.index_options import FileOptions, RunOptions
from imgsearch.cli.interrupts import INTERRUPTED, interrupts
from imgsearch.cli.native_stderr import native_stderr_held
from imgsearch.cli.progress import Steps, working
from imgsearch.cli.recipe_options import RecipeOptions
from imgsearch.cli.settings import Settings
from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.tables import align, amount, counted, duration
from imgsearch.cli.terminal import FAINT, PLAIN, Line, write_data
from imgsearch.cli.unreadable_lines import SHOWN, named, unreadable_lines
from imgsearch.documents import gallery_documents
from imgsearch.indexing.report import STAGE_TITLES

if TYPE_CHECKING:
    from imgsearch.indexing.report import IndexProgress, IndexReport


def index(
    *,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Folders (searched recursively), files, tars, and addresses such as "
            "s3://bucket/photos; without any, all of the gallery again.",
        ),
    ] = None,
    recipe: RecipeOptions,
    files: FileOptions,
    run: RunOptions,
    settings: Settings,
) -> None:
    """Create the gallery, or bring it up to date with your folders.

    Only new and changed files are read; renamed, moved and copied files are recognised. Ctrl-C
    stops cleanly, and the same command continues; a second Ctrl-C aborts at once.
    """
    from imgsearch.indexing.report import IndexOptions, IndexReport
    from imgsearch.indexing.shards import Shard
    from imgsearch.vectors.index_plan import parse_memory

    wanted = files.paths(paths or [])
    terminal = settings.terminal
    gallery = settings.open_gallery(
        terminal,
        runtime=run.runtime,
        threads=run.threads,
        recipe=recipe.request(),
        offline=recipe.offline,
        executor=run.executor(),
    )
    options = IndexOptions(
        exclude=tuple(files.exclude),
        follow_symlinks=files.follow_symlinks,
        batch_size=run.batch_size,
        jobs=run.jobs,
        seconds_per_file=run.seconds_per_file or None,
        dry_run=run.dry_run,
        rehash=run.rehash,
        any_name=files.any_name,
        shard=None if files.shard is None else Shard.parse(files.shard),
        index=run.index,
        memory=None if run.memory is None else parse_memory(run.memory),
        regions=True if run.regions is None and run.regions_like else run.regions,
        regions_like=run.regions_like,
    )
    if files.files_from is not None and not wanted:
        terminal.say("The list names no files: nothing to index.")
        report = IndexReport(recipe=None, dry_run=run.dry_run)
    else:
        announce = not terminal.animates and not settings.quiet
        with (
            native_stderr_held(terminal),
            gallery,
            interrupts(announce=announce) as asked,
            working(terminal, "Scanning", asked) as steps,
        ):
            report = gallery.index(
                *wanted, options=options, progress=partial(_show, steps), stop=asked.stop
            )
        terminal.say_lines(summary(report, everything=settings.verbose, command=settings.command))
    if run.json:
        write_data(
            gallery_documents.dump("index", gallery_documents.index_keys(gallery.path, report))
        )
    unreadable = report.unreadable if run.strict else len(report.newly_unreadable)
    failed = unreadable + len(report.unlisted)
    if settings.quiet and failed:
        listing = settings.command("imgsearch info --unreadable")
        terminal.warn(f"{counted(failed, 'path')} could not be read; '{listing}' lists the files")
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)
    if failed:
        raise typer.Exit(SOME_UNREADABLE)


def _show(steps: Steps, progress: "IndexProgress") -> None:
    title = STAGE_TITLES[progress.stage]
    steps.at(title, progress.done, progress.total, rate=progress.images_per_second)


def summary(
    report: "IndexReport", *, everything: bool, command: Callable[[str], str] = str
) -> list[Line]:
    """Return the report of a run as lines for a person.

    Args:
        report: the report.
        everything: list every new unreadable file instead of the first ten.
        command: completes a command that is shown with the gallery that it is for.
    """
    counts = (
        ("new", report.new, ""),
        ("changed", report.changed, ""),
        ("moved", report.moved, ""),
        ("unchanged", report.unchanged, ""),
        ("missing", report.missing, "no longer on disk, removed from the gallery"),
        ("offline", report.offline, "in folders that are not available now, kept"),
        ("unreadable", report.unreadable, ""),
    )
    rows = [
        [
            (name, PLAIN if count else FAINT),
            (amount(count), _count_style(name, count)),
            (note if count else "", FAINT),
        ]
        for name, count, note in counts
    ]
    if not any(count for _, count, _ in counts) and not (report.interrupted or report.unlisted):
        return [
            [("No image files were found, and the gallery knows of none there.", "bold")],
            [("Hint: name the folder that holds them; its subfolders are searched too", FAINT)],
        ]
    lines: list[Line] = [[(_headline(report), "bold")], *align(rows, "<><", indent="  ")]
    lines += unreadable_lines(
        report.unreadable_files,
        report.newly_unreadable,
        everything=everything,
        listing=command("imgsearch info --unreadable"),
    )
    if report.unlisted:
        count = counted(len(report.unlisted), "folder")
        lines.append([(f"{count} could not be listed:", "yellow")])
        lines += named(report.unlisted, everything=everything)
    lines += _merged(report)
    lines += [[("Offline: ", "yellow"), (short_path(root), PLAIN)] for root in report.offline_roots]
    if report.not_read:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in report.not_read)
        lines.append([(f"not read: {kinds}", FAINT)])
    return lines + [[(f"Hint: {hint}", FAINT)] for hint in _hints(report, command)]


def _merged(report: "IndexReport") -> list[Line]:
    shown = report.merged[:SHOWN]
    lines: list[Line] = [
        [
            (f"{short_path(merged.path)} is {short_path(merged.known)}", PLAIN),
            (", which the gallery knows already", FAINT),
        ]
        for merged in shown
    ]
    if len(shown) < len(report.merged):
        lines.append([(f"and {counted(len(report.merged) - len(shown), 'more', 'more')}", FAINT)])
    if report.aliases:
        names = counted(report.aliases, "name")
        lines.append([(f"{names} left out: other ways to files that are there already", FAINT)])
    return lines


def _headline(report: "IndexReport") -> str:
    took = duration(report.seconds)
    if report.dry_run:
        return f"Dry run, {took}: nothing was written. The run would find"
    name = f" with {report.recipe.name}" if report.recipe is not None else ""
    verb = "Interrupted after" if report.interrupted else "Done in"
    if not report.embedded:
        return f"{verb} {took}, no embedding computed."
    rate = f"{report.images_per_second:.1f} images/s"
    return f"{verb} {took}: {counted(report.embedded, 'embedding')}{name}, {rate}."


def _count_style(name: str, count: int) -> str:
    if not count:
        return FAINT
    return {"unreadable": "yellow", "offline": "yellow", "missing": "yellow"}.get(name, "green")


def _hints(report: "IndexReport", command: Callable[[str], str]) -> Sequence[str]:
    if report.interrupted:
        return ["the same command continues where this one stopped"]
    if report.hints:
        return [command(report.hints[0])]
    if report.first and report.embedded and not report.dry_run:
        return [f"'{command('imgsearch query IMAGE')}' finds the images most similar to one"]
    return []
