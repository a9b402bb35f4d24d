"""Writing groups of duplicates: as a table, JSON, JSON Lines, CSV or paths."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from imgsearch.cli import comma_separated
from imgsearch.cli.shown_paths import short_path, single_line
from imgsearch.cli.tables import align, byte_size, counted
from imgsearch.cli.terminal import FAINT, PLAIN, Span, Terminal, write_data
from imgsearch.documents import duplicates_documents, gallery_documents
from imgsearch.quantities import share

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from imgsearch.duplicates.groups import Group
    from imgsearch.search.matches import GalleryFile

COLUMNS: Final = ("group", "role", "kind", "certainty", "changes", *comma_separated.FILE_COLUMNS)


def write_groups(
    groups: Sequence[Group], form: str, *, gallery: Path, terminal: Terminal, null: bool
) -> None:
    """Write groups in an output format.

    Args:
        groups: the surest first.
        form: "table", "json", "jsonl", "csv" or "paths".
        gallery: the gallery's folder, named in JSON documents.
        terminal: for the table and the last line.
        null: paths end with NUL.
    """
    if form == "json":
        content = duplicates_documents.duplicates_keys(gallery, groups)
        write_data(gallery_documents.dump("duplicates", content))
    elif form == "jsonl":
        for group in groups:
            write_data(gallery_documents.dump_line(duplicates_documents.group_keys(group)))
    elif form == "csv":
        write_data(comma_separated.head(COLUMNS) + b"".join(_rows(groups)))
    elif form == "paths":
        members = [member.file.path for group in groups for member in group.members]
        write_data(
            b"".join(
                os.fsencode(path) + b"\0" if null else single_line(path) + b"\n" for path in members
            )
        )
    else:
        _show(groups, terminal)


def _rows(groups: Iterable[Group]) -> Iterable[bytes]:
    for number, group in enumerate(groups, start=1):
        yield comma_separated.line(
            [number, "keeper", "", "", "", *comma_separated.file_values(group.keeper)]
        )
        for member in group.members:
            evidence = member.evidence
            yield comma_separated.line(
                [
                    number,
                    "member",
                    evidence.kind.value,
                    f"{evidence.certainty:.6f}",
                    ", ".join(evidence.changes),
                    *comma_separated.file_values(member.file),
                ]
            )


def _show(groups: Sequence[Group], terminal: Terminal) -> None:
    if not groups:
        terminal.say("No picture in the gallery is the same as another.")
        return
    rows: list[list[Span]] = []
    for group in groups:
        if rows:
            rows.append([("", PLAIN)] * 6)
        rows += _group(group)
    terminal.show(align(rows, "<>>>><"))
    members = [member for group in groups for member in group.members]
    size = byte_size(sum(member.file.bytes for member in members))
    terminal.say(
        f"{counted(len(groups), 'group')}: {counted(len(members), 'file')} of {size} besides "
        "those to keep."
    )


def _group(group: Group) -> Iterable[list[Span]]:
    yield _row("keep", "", group.keeper, group.keeper_names)
    for member in group.members:
        yield _row(
            member.evidence.kind.value,
            share(member.evidence.certainty),
            member.file,
            member.other_names,
            note=", ".join(member.evidence.changes),
        )
    for companion in group.companions:
        empty: Span = ("", PLAIN)
        note = f"+ {short_path(companion.path)}  ({companion.reason})"
        yield [*[empty] * 5, (note, FAINT)]


def _row(
    role: str, certainty: str, file: GalleryFile, names: Sequence[Path], *, note: str = ""
) -> list[Span]:
    text = short_path(file.path)
    notes = [note] if note else []
    if names:
        notes.append(f"also named {', '.join(map(short_path, names))}")
    if file.offline:
        notes.append("offline")
    if notes:
        text += f"  ({'; '.join(notes)})"
    is_kept = role == "keep"
    return [
        (role, "green" if is_kept else "bold"),
        (certainty, FAINT),
        (f"{file.width}x{file.height}", FAINT),
        (byte_size(file.bytes), FAINT),
        ((file.taken or "-")[:10], PLAIN if file.taken else FAINT),
        (text, PLAIN),
    ]
