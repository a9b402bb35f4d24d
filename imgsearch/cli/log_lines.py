"""Writes the library's log records to standard error."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.cli.terminal import Terminal

LIBRARY: Final = logging.getLogger("imgsearch")


@dataclass(eq=False)
class LogLines(logging.Handler):
    """Writes each record of the library as one line.

    Attributes:
        terminal: where it is written.
        details_only: records below a warning are written with `--verbose` only.
    """

    terminal: Terminal
    details_only: bool = field(default=False)

    def __post_init__(self) -> None:
        """Accept every level."""
        super().__init__()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        message = record.getMessage()
        if record.levelno >= logging.WARNING:
            self.terminal.warn(message)
        elif record.levelno < logging.INFO or self.details_only:
            self.terminal.detail(message)
        else:
            self.terminal.say(message)


def show_log(terminal: Terminal) -> None:
    """Write the library's log to this terminal from now on, and to no other."""
    for handler in [*LIBRARY.handlers]:
        if isinstance(handler, LogLines):
            LIBRARY.removeHandler(handler)
    LIBRARY.addHandler(LogLines(terminal))
    LIBRARY.setLevel(logging.DEBUG if terminal.verbose else logging.INFO)


@contextmanager
def log_as_details() -> Iterator[None]:
    """Write what is logged within the block with `--verbose` only, except warnings."""
    handlers = [handler for handler in LIBRARY.handlers if isinstance(handler, LogLines)]
    for handler in handlers:
        handler.details_only = True
    try:
        yield
    finally:
        for handler in handlers:
            handler.details_only = False
