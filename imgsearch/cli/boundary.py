"""Where errors become messages and exit codes.

0 done    1 failed    2 usage    3 some files could not be read
10 no gallery    11 gallery locked    130 interrupted    141 the reader of the output left
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

from imgsearch.cli.interrupts import INTERRUPTED, abortable
from imgsearch.cli.terminal import complain, flush_data
from imgsearch.errors import ImgsearchError

if TYPE_CHECKING:
    from collections.abc import Iterator


FAILED: Final = 1
SOME_UNREADABLE: Final = 3
READER_LEFT: Final = 141
NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)
# What SQLite says of the disk and of rights, where nothing is wrong with the file.
OUTWARD: Final = ("SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")


@contextmanager
def boundary(*, debug: bool) -> Iterator[None]:
    """Turn an exception into a message on standard error and an exit code.

    Raises:
        typer.Exit: with the exit code; Typer's own usage errors pass through.
    """
    try:
        with abortable():
            yield
            flush_data()
    except (typer.Exit, typer.Abort, typer.TyperException):
        raise
    except BrokenPipeError:
        raise typer.Exit(READER_LEFT) from None
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001 - any error becomes one line for a person
        if debug:
            import traceback

            traceback.print_exc()
        complain(describe(error))
        raise typer.Exit(error.exit_code if isinstance(error, ImgsearchError) else FAILED) from None


def describe(error: Exception) -> str:
    """Return the message for an error, without a traceback."""
    if isinstance(error, ImgsearchError):
        return str(error) or type(error).__name__
    if isinstance(error, MemoryError):
        return "out of memory; try a smaller --batch-size"
    if isinstance(error, OSError):
        reason = error.strerror or str(error) or type(error).__name__
        names = [os.fsdecode(n) for n in (error.filename, error.filename2) if _is_path(n)]
        said = f"{' -> '.join(names)}: {reason}" if names else reason
        return f"{said}; free space and run again" if names and error.errno in NO_SPACE else said
    if type(error).__module__ == "sqlite3":
        examined = getattr(error, "sqlite_errorname", "") not in OUTWARD
        check = "run 'imgsearch check' to examine it; " if examined else ""
        return f"the gallery's database: {error}\n{check}--debug shows the traceback"
    detail = str(error).strip().split("\n", 1)[0]
    return (
        f"unexpected {type(error).__name__}{': ' if detail else ''}{detail}\n"
        "this is a bug in imgsearch; --debug shows the traceback"
    )


def _is_path(name: object) -> bool:
    return isinstance(name, str | bytes)
