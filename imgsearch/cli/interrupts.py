"""Ctrl-C: the first asks to stop, the second aborts."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


STOPPING: Final = "finishing the current batch; press Ctrl-C again to abort at once"


@dataclass(slots=True)
class Interrupts:
    """Whether the first Ctrl-C has been pressed."""

    requested: bool = False

    def stop(self) -> bool:
        """Return `requested`, as a callback for the library."""
        return self.requested


@contextmanager
def interrupts(*, announce: bool) -> Iterator[Interrupts]:
    """Handle Ctrl-C while the block runs, then restore the previous handler.

    This also works in a background process, for which the shell has set SIGINT to be ignored.
    Outside the main thread no handler can be set, and nothing is changed.

    Args:
        announce: acknowledge the first Ctrl-C on standard error (a progress line does so itself).

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
            # Not through sys.stderr: a write to its buffer may be what was interrupted.
            os.write(2, f"imgsearch: {STOPPING}\n".encode())

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield state
    finally:
        signal.signal(signal.SIGINT, previous)
