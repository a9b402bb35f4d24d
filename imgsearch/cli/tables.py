"""Aligned columns, and numbers, sizes and times as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imgsearch.cli.terminal import PLAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.cli.terminal import Line, Span

_GAP: Final = "  "
_THOUSAND: Final = 1000
_MINUTE: Final = 60  # seconds
_HOUR: Final = 60  # minutes


def align(rows: Sequence[Sequence[Span]], aligns: str, *, indent: str = "") -> list[Line]:
    """Return the rows as lines with aligned columns, padded with spaces.

    The last column is neither padded nor cut, so that a path can be copied whole.

    Args:
        rows: one span (text, style) per cell; every row as long as `aligns`.
        aligns: "<" or ">" for each column.
        indent: put before every line.
    """
    if not rows:
        return []
    from rich.cells import cell_len

    widths = [max(cell_len(row[column][0]) for row in rows) for column in range(len(aligns) - 1)]
    lines: list[Line] = []
    for row in rows:
        spans: list[Span] = [(indent, PLAIN)] if indent else []
        for (text, style), width, side in zip(row, widths, aligns, strict=False):
            padding = " " * (width - cell_len(text))
            before, after = (padding, "") if side == ">" else ("", padding)
            spans += [(before, PLAIN), (text, style), (after + _GAP, PLAIN)]
        lines.append([*spans, row[-1]] if row[-1][0] else spans[:-1])
    return lines


def amount(count: int) -> str:
    """Return a whole number with thousands separators."""
    return f"{count:,}"


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun, such as "1 file" or "2,020 files"."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def byte_size(count: int) -> str:
    """Return a size in bytes for a person, in decimal units."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < _THOUSAND or unit == "GB":
            break
        size /= _THOUSAND
    return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


def duration(seconds: float) -> str:
    """Return a time span for a person: "0.4 s", "1 min 05 s", "2 h 03 min"."""
    minutes, rest = divmod(round(seconds), _MINUTE)
    if not minutes:
        return f"{seconds:.1f} s"
    if minutes < _HOUR:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // _HOUR} h {minutes % _HOUR:02d} min"
