"""Where errors become messages and exit codes, and Ctrl-C becomes a request to stop.

0 done    1 failed    2 usage    3 some files could not be read
10 no gallery    11 gallery locked    130 interrupted    141 the reader of the output left
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import typer

from imgsearch.cli.terminal import complain, flush_data
from imgsearch.errors import ImgsearchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

FAILED: Final = 1
SOME_UNREADABLE: Final = 3
INTERRUPTED: Final = 130
READER_LEFT: Final = 141

STOPPING: Final = "finishing the running batch; Ctrl-C again aborts at once"


@contextmanager
def boundary(*, debug: bool) -> Iterator[None]:
    """Turn whatever is raised inside into a message on standard error and an exit code.

    Raises:
        typer.Exit: with the exit code; usage errors of Typer's own pass through.
    """
    try:
        yield
        flush_data()
    except (typer.Exit, typer.Abort, typer.TyperException):
        raise
    except BrokenPipeError:
        raise typer.Exit(READER_LEFT) from None
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, a person gets one line
        if debug:
            import traceback

            traceback.print_exc()
        complain(describe(error))
        raise typer.Exit(error.exit_code if isinstance(error, ImgsearchError) else FAILED) from None


def describe(error: Exception) -> str:
    """Return what to tell a person about an error, without a traceback."""
    if isinstance(error, ImgsearchError):
        return str(error) or type(error).__name__
    if isinstance(error, MemoryError):
        return "out of memory; a smaller --batch-size needs less"
    if isinstance(error, OSError):
        reason = error.strerror or str(error) or type(error).__name__
        names = [os.fsdecode(n) for n in (error.filename, error.filename2) if _is_path(n)]
        return f"{' -> '.join(names)}: {reason}" if names else reason
    if type(error).__module__ == "sqlite3":
        return (
            f"the gallery's database: {error}\n"
            "'imgsearch check' examines it; --debug shows where this arose"
        )
    detail = str(error).strip().split("\n", 1)[0]
    return (
        f"unexpected {type(error).__name__}{': ' if detail else ''}{detail}\n"
        "this is a fault of imgsearch; --debug shows where it arose"
    )


def _is_path(name: object) -> bool:
    return isinstance(name, str | bytes)


@dataclass(slots=True)
class Interrupts:
    """Ctrl-C, twice: the first asks to stop, the second aborts."""

    requested: bool = False

    def stop(self) -> bool:
        """Tell whether stopping was asked for."""
        return self.requested


@contextmanager
def interrupts(*, announce: bool) -> Iterator[Interrupts]:
    """Catch Ctrl-C for as long as the block runs, then put the former handler back.

    Caught also in a process that was started in the background, where a shell has SIGINT
    ignored. Outside the main thread nothing can be caught and nothing is changed.

    Args:
        announce: say on standard error that the first Ctrl-C was heard (a progress display
            says so itself).

    Raises:
        KeyboardInterrupt: at the second Ctrl-C.
    """
    state = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield state
        return

    def handle(_signal: int, _frame: FrameType | None) -> None:
        if state.requested:
            raise KeyboardInterrupt
        state.requested = True
        if announce and sys.stderr is not None:
            # A buffered write could be the very one that was interrupted.
            os.write(2, f"imgsearch: {STOPPING}\n".encode())

    former = signal.signal(signal.SIGINT, handle)
    try:
        yield state
    finally:
        signal.signal(signal.SIGINT, former)
