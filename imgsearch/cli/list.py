# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch list`: what is in a gallery, without a picture in hand."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from imgsearch.cli import comma_separated
from imgsearch.cli.filter_options import FilterOptions
from imgsearch.cli.query_options import OUTPUT_PANEL, OutputOptions
from imgsearch.cli.settings import Settings
from imgsearch.cli.shown_paths import short_path, single_line
from imgsearch.cli.tables import align, counted
from imgsearch.cli.terminal import FAINT, PLAIN, Line, Span, write_data
from imgsearch.documents import gallery_documents
from imgsearch.errors import UsageError
from imgsearch.text import path_keys, printable

if TYPE_CHECKING:
    from imgsearch.search.matches import GalleryFile

_BLOCK = 1000


@dataclass(frozen=True)
class ListOutput(OutputOptions):
    """How files are printed."""

    k: Annotated[
        int | None,
        typer.Option(
            "-k",
            metavar="K",
            min=1,
            help="How many files (default: all).",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = None
    json: Annotated[
        bool, typer.Option("--json", help="One JSON document.", rich_help_panel=OUTPUT_PANEL)
    ] = False
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl", help="One JSON object per file, a line each.", rich_help_panel=OUTPUT_PANEL
        ),
    ] = False
    all_files: Annotated[
        bool,
        typer.Option(
            "--all-files",
            help="List exact duplicates as files of their own.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False
    null: Annotated[
        bool,
        typer.Option(
            "--null", "-0", help="End paths with NUL (--paths).", rich_help_panel=OUTPUT_PANEL
        ),
    ] = False


def list_(*, matching: FilterOptions, output: ListOutput, settings: Settings) -> None:
    """List the files of the gallery, those taken last first, those without a date last.

    Files with identical content are one entry. 'imgsearch info --unreadable' lists those that
    could not be read.
    """
    form = output.form()
    if output.null and form != "paths":
        raise UsageError("--null says how --paths separates paths; give both")
    where = matching.filters()
    terminal = settings.terminal
    with settings.open_gallery(terminal) as gallery:
        files = islice(gallery.files(where, all_files=output.all_files), output.k)
        if form == "table":
            shown = 0
            while block := list(islice(files, _BLOCK)):
                terminal.show(_table(block))
                shown += len(block)
            terminal.say(f"{counted(shown, 'file')}." if shown else "No file in the gallery fits.")
        elif form == "json":
            content = path_keys(gallery.path, "gallery")
            content["files"] = [gallery_documents.file_keys(file) for file in files]
            write_data(gallery_documents.dump("list", content))
        else:
            for data in _lines(files, form, null=output.null):
                write_data(data)


def _lines(files: Iterable["GalleryFile"], form: str, *, null: bool) -> Iterator[bytes]:
    if form == "csv":
        yield comma_separated.head(comma_separated.FILE_COLUMNS)
    for file in files:
        if form == "csv":
            yield comma_separated.file_row(file)
        elif form == "jsonl":
            yield gallery_documents.dump_line(gallery_documents.file_keys(file))
        else:
            yield os.fsencode(file.path) + b"\0" if null else single_line(file.path) + b"\n"


def _table(files: Iterable["GalleryFile"]) -> list[Line]:
    rows: list[tuple[Span, ...]] = []
    for file in files:
        notes = ["(offline)"] if file.offline else []
        if file.duplicates:
            notes.append(f"(and {counted(len(file.duplicates), 'copy', 'copies')})")
        rows.append(
            (
                ((file.taken or "-")[:10], PLAIN if file.taken else FAINT),
                (f"{file.width}x{file.height}", FAINT),
                (printable(file.camera or "-"), PLAIN if file.camera else FAINT),
                (short_path(file.path), PLAIN),
                (" ".join(notes), FAINT),
            )
        )
    return [
        [*line, ("  " + note, style)] if note else line
        for line, (note, style) in zip(
            align([row[:-1] for row in rows], "<><<"), [row[-1] for row in rows], strict=True
        )
    ]


list_.__name__ = "list"
