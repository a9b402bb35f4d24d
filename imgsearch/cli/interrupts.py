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


STOPPING: Final = "finishing the running batch; Ctrl-C again aborts at once"


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
