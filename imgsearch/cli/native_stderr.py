"""What C libraries write to standard error by themselves, kept off the terminal.

Decoders such as libjpeg and libtiff write to file descriptor 2, through the progress line, without
a file's name and whatever `--quiet` says. Why a file cannot be decoded is its reason, which Pillow
tells; these lines are for `--verbose`, and pass unchanged with `--debug`. Several files are decoded
at a time over one descriptor, so the lines cannot be told apart by file.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from imgsearch.cli.tables import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from imgsearch.cli.terminal import Terminal

STDERR: Final = 2
MOST_BYTES: Final = 1 << 20
SHOWN: Final = 10


class _Real:
    """Where standard error really goes; another descriptor while it is held back."""

    descriptor: int = STDERR


def real_stderr() -> int:
    """Return the descriptor of the standard error that the user sees."""
    return _Real.descriptor


@contextmanager
def native_stderr_held(terminal: Terminal) -> Iterator[None]:
    """Hold back what native code writes to standard error while the block runs.

    Python's own `sys.stderr` is not affected. The lines are shown, each kind once, with `--verbose`
    afterwards; with `--debug` nothing is held back.
    """
    descriptor = None if terminal.debug else _duplicate()
    if descriptor is None:
        yield
        return
    import tempfile

    with tempfile.TemporaryFile() as held:
        with _on(descriptor):
            os.dup2(held.fileno(), STDERR)
            try:
                yield
            finally:
                os.dup2(descriptor, STDERR)
        lines = _lines(held)
    os.close(descriptor)
    if lines:
        count = counted(sum(lines.values()), "line")
        terminal.detail(f"decoders and other libraries wrote {count}:")
        for line, times in lines.most_common(SHOWN):
            terminal.detail(f"  {line}" + (f"  ({times:,} times)" if times > 1 else ""))


def _duplicate() -> int | None:
    """Return another descriptor for standard error, or None where that is not descriptor 2."""
    with suppress(OSError, ValueError, AttributeError):  # closed, a test's own, or none
        if sys.stderr.fileno() == STDERR:
            return os.dup(STDERR)
    return None


@contextmanager
def _on(descriptor: int) -> Iterator[None]:
    """Let Python's standard error write to another descriptor while the block runs."""
    former = sys.stderr
    former.flush()
    _Real.descriptor = descriptor
    sys.stderr = open(  # noqa: SIM115 - a descriptor that is closed elsewhere
        descriptor,
        "w",
        encoding=former.encoding,
        errors=former.errors,
        buffering=1,
        closefd=False,
    )
    try:
        yield
    finally:
        sys.stderr.flush()
        sys.stderr = former
        _Real.descriptor = STDERR


def _lines(held: IO[bytes]) -> Counter[str]:
    held.seek(0)
    text = held.read(MOST_BYTES).decode("utf-8", "replace")
    return Counter(line.strip() for line in text.splitlines() if line.strip())
