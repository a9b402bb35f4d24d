"""The only place that writes to standard output (data) and standard error (messages)."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TextIO

from imgsearch.text import printable

if TYPE_CHECKING:
    from rich.console import Console

Span = tuple[str, str]  # text and its Rich style
Line = Sequence[Span]

PLAIN: Final = ""
FAINT: Final = "bright_black"


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal that understands control sequences."""
    if stream is None or os.environ.get("TERM") == "dumb":
        return False
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def wants_colour(stream: TextIO | None) -> bool:
    """Return whether to write colours: on a terminal, unless NO_COLOR is set (no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def plain(line: Line) -> str:
    """Return a line without its styles."""
    return "".join(text for text, _ in line).rstrip()


def write_data(data: bytes) -> None:
    """Write bytes to standard output.

    Raises:
        OSError: standard output is closed, full, or a pipe whose reader has gone.
    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def flush_data() -> None:
    """Flush standard output."""
    if sys.stdout is not None:
        sys.stdout.flush()


def write_text(text: str, stream: TextIO | None) -> None:
    """Write text; characters that the stream's encoding lacks become backslash escapes."""
    if stream is None:
        return
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


@dataclass(slots=True)
class Terminal:
    """Writes data to standard output and messages to standard error.

    Attributes:
        verbose: details are written too.
        quiet: only errors and warnings are written.
        debug: nothing is held back.
        live: the console of the progress line, if one is showing; messages go above it.
    """

    verbose: bool = False
    quiet: bool = False
    debug: bool = False
    live: Console | None = field(default=None, repr=False)

    @property
    def out_is_terminal(self) -> bool:
        """Whether standard output is a terminal."""
        return is_terminal(sys.stdout)

    @property
    def animates(self) -> bool:
        """Whether to draw progress on standard error."""
        return not self.quiet and is_terminal(sys.stderr)

    def show(self, lines: Sequence[Line]) -> None:
        """Write lines of data to standard output, styled on a terminal.

        Raises:
            OSError: standard output is closed.
        """
        if sys.stdout is None:
            raise OSError(errno.EBADF, "standard output is closed")
        _write(lines, sys.stdout)

    def say(self, message: str) -> None:
        """Write a line to standard error, unless quiet."""
        self.say_lines([[(printable(message), PLAIN)]])

    def detail(self, message: str) -> None:
        """Write a line to standard error, with `--verbose` only."""
        if self.verbose:
            self.say_lines([[(printable(message), FAINT)]])

    def warn(self, message: str) -> None:
        """Write a warning to standard error, even when quiet."""
        complain(message, live=self.live)

    def say_lines(self, lines: Sequence[Line]) -> None:
        """Write styled lines to standard error, unless quiet."""
        if self.quiet:
            return
        if self.live is not None:
            _print(self.live, lines)
        else:
            _write(lines, sys.stderr)


def complain(message: str, *, live: Console | None = None) -> None:
    """Write an error or warning of one or several lines to standard error."""
    first, *rest = message.split("\n")
    lines: list[Line] = [[("imgsearch: ", "bold red"), (printable(first), PLAIN)]]
    lines += [[("  " + printable(line), PLAIN)] for line in rest]
    if live is not None:
        _print(live, lines)
        return
    try:
        _write(lines, sys.stderr)
    except OSError:  # nobody reads it; the exit code still tells
        return


def _write(lines: Sequence[Line], stream: TextIO | None) -> None:
    if stream is None:
        return
    if is_terminal(stream):
        from rich.console import Console

        _print(Console(file=stream), lines)
    else:
        write_text("".join(plain(line) + "\n" for line in lines), stream)
    stream.flush()


def _print(console: Console, lines: Sequence[Line]) -> None:
    from rich.text import Text

    for line in lines:
        console.print(Text.assemble(*line), soft_wrap=True, markup=False, highlight=False)
