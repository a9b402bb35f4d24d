"""Files that could not be read, as lines for a person: counted by reason, the new ones by name."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.tables import align, amount, counted
from imgsearch.cli.terminal import FAINT, PLAIN
from imgsearch.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.cli.terminal import Line
    from imgsearch.indexing.report import UnreadableFile

SHOWN: Final = 10
_REMEDY: Final = re.compile(r"(.*?): (pip install \S+)")


def unreadable_lines(
    files: Sequence[UnreadableFile],
    new: Sequence[UnreadableFile],
    *,
    everything: bool,
    listing: str,
) -> list[Line]:
    """Return the lines about the files that could not be read.

    Reasons that the user can do something about come first, then the frequent ones.

    Args:
        files: all of them.
        new: those that could be read, or were not there, before this run.
        everything: name every file instead of the first ten new ones.
        listing: the command that lists all files.
    """
    if not files:
        return []
    some_known = len(new) < len(files)
    head = f"{counted(len(files), 'file')} could not be read"
    if some_known:
        head += f", {amount(len(new)) if new else 'none'} of them new"
    lines: list[Line] = [[(f"{head}:", "yellow")]]
    if some_known or len(files) > SHOWN:
        lines += _by_reason(files)
    listed = files if everything else new
    if listed:
        if len(lines) > 1:
            lines.append([("By name:" if len(listed) == len(files) else "New:", "yellow")])
        lines += named(sorted(listed, key=_hopeless), everything=everything)
    lines.append([(f"  '{listing}' lists them again", FAINT)])
    return lines


def named(files: Sequence[UnreadableFile], *, everything: bool) -> list[Line]:
    """Return a line for each file, or for the first ten and how many more there are."""
    shown = files if everything else files[:SHOWN]
    lines: list[Line] = [
        [(f"  {short_path(file.path)}", PLAIN), (f"  {printable(file.reason)}", FAINT)]
        for file in shown
    ]
    if len(shown) < len(files):
        lines.append([(f"  and {counted(len(files) - len(shown), 'more', 'more')}", FAINT)])
    return lines


def _hopeless(file: UnreadableFile) -> bool:
    return _REMEDY.fullmatch(file.reason) is None


def _by_reason(files: Sequence[UnreadableFile]) -> list[Line]:
    counts = Counter(file.reason for file in files)
    reasons = sorted(counts, key=lambda reason: (not _REMEDY.fullmatch(reason), -counts[reason]))
    rows = [
        [(amount(counts[reason]), PLAIN), (what, PLAIN), (remedy, "green")]
        for reason in reasons[:SHOWN]
        for what, remedy in [_split(reason)]
    ]
    lines = align(rows, "><<", indent="  ")
    if len(reasons) > SHOWN:
        others = sum(counts[reason] for reason in reasons[SHOWN:])
        lines.append([(f"  {amount(others)} for other reasons", FAINT)])
    return lines


def _split(reason: str) -> tuple[str, str]:
    found = _REMEDY.fullmatch(reason)
    return (printable(found[1]), printable(found[2])) if found else (printable(reason), "")
