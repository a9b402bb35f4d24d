"""The progress line, drawn by Rich; imported only where a terminal shows it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
)
from rich.text import Text

from imgsearch.cli.interrupts import STOPPING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from imgsearch.cli.interrupts import Interrupts
    from imgsearch.cli.terminal import Terminal

DELAY_SECONDS: Final = 0.4
REFRESHES_PER_SECOND: Final = 5


class _QuietAtFirst(Progress):
    """A display that stays empty for a moment: quick work needs no progress line."""

    def __init__(self, *columns: ProgressColumn, console: Console) -> None:
        self._shown_from = time.monotonic() + DELAY_SECONDS
        super().__init__(
            *columns,
            console=console,
            transient=True,
            refresh_per_second=REFRESHES_PER_SECOND,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        if time.monotonic() >= self._shown_from:
            yield from super().get_renderables()


class _Bar(BarColumn):
    """A bar if the total is known, else nothing."""

    def render(self, task: Task) -> RenderableType:  # type: ignore[override]
        return super().render(task) if task.total else Text()


class _Count(ProgressColumn):
    """The number done, and the total if it is known."""

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text(f"{int(task.completed):,}" if task.completed else "")
        return Text(f"{int(task.completed):,}/{int(task.total):,}")


class _Rate(ProgressColumn):
    """Images per second."""

    def render(self, task: Task) -> Text:
        rate = task.fields.get("rate") or 0.0
        if rate <= 0:
            return Text()
        return Text(f"{rate:,.0f} images/s" if rate >= 10 else f"{rate:.1f} images/s")  # noqa: PLR2004 - one decimal for small figures


class _TimeLeft(ProgressColumn):
    """Time left, if the pace of this step so far continues."""

    def render(self, task: Task) -> Text:
        end = task.fields.get("end")
        if end is None:
            return Text()
        minutes, seconds = divmod(max(0, round(end - time.monotonic())), 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
        return Text(f"{clock} left", style="bright_black")


class _Title(ProgressColumn):
    """What is being done, or that it stops, even if no report comes for a while."""

    def __init__(self, interrupts: Interrupts | None) -> None:
        self._interrupts = interrupts
        super().__init__()

    def render(self, task: Task) -> Text:
        stopping = self._interrupts is not None and self._interrupts.requested
        return Text(STOPPING.capitalize() if stopping else task.description)


class _ShownSteps:
    """Reports that move a progress line."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None)
        self._title = ""
        self._began = (0.0, 0)

    def at(self, title: str, done: int, total: int | None, *, rate: float = 0.0) -> None:
        now = time.monotonic()
        if title != self._title:
            self._title = title
            self._began = (now, done)
        began, done_then = self._began
        end = None
        if total is not None and done > done_then:
            end = now + (now - began) * (total - done) / (done - done_then)
        self._progress.update(
            self._task,
            description=title,
            completed=done,
            total=total,
            rate=rate,
            end=end,
        )


@contextmanager
def shown_steps(
    terminal: Terminal, title: str, interrupts: Interrupts | None
) -> Iterator[_ShownSteps]:
    """Draw progress while the block runs, and remove it afterwards.

    Messages of the terminal appear above the progress line.
    """
    console = Console(stderr=True)
    progress = _QuietAtFirst(
        SpinnerColumn(),
        _Title(interrupts),
        _Bar(bar_width=30, complete_style="cyan", finished_style="cyan"),
        _Count(),
        _Rate(),
        _TimeLeft(),
        console=console,
    )
    with progress:
        terminal.live = console
        try:
            steps = _ShownSteps(progress)
            steps.at(title, 0, None)
            yield steps
        finally:
            terminal.live = None
