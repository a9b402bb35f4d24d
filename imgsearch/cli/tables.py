"""Aligned columns, and whole numbers in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imgsearch.cli.terminal import PLAIN
from imgsearch.quantities import byte_size, counted, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.cli.terminal import Line, Span

__all__ = ["align", "amount", "byte_size", "counted", "duration"]

_GAP: Final = "  "


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
