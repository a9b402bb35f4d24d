"""Showing how far the work has come: a progress line on a terminal, nothing elsewhere.

Rich, which draws the line, is loaded only where a terminal shows it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.cli.interrupts import Interrupts
    from imgsearch.cli.terminal import Terminal


class Steps(Protocol):
    """Where running work reports how far it has come."""

    def at(self, title: str, done: int, total: int | None, *, rate: float = 0.0) -> None:
        """Report what is being done, how much of it, and how many images per second."""


class Unwatched:
    """Steps that nobody sees."""

    def at(self, title: str, done: int, total: int | None, *, rate: float = 0.0) -> None:
        """Show nothing."""


@contextmanager
def working(
    terminal: Terminal, title: str, interrupts: Interrupts | None = None
) -> Iterator[Steps]:
    """Show progress while the block runs, where standard error is a terminal.

    Args:
        terminal: its messages appear above the progress line.
        title: shown until the first report.
        interrupts: once they ask to stop, the line says so.
    """
    if not terminal.animates:
        yield Unwatched()
        return
    from imgsearch.cli.progress_line import shown_steps

    with shown_steps(terminal, title, interrupts) as steps:
        yield steps
