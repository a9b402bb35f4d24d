"""Ctrl-C: the first asks to stop, the second aborts, the third leaves at once.

Python runs a signal handler between two instructions of the main thread, which may be in native
code for a minute. So a thread of its own is told of each Ctrl-C at once: it acknowledges the first,
and sees to it that the second ends the process even if the main thread does not come back.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from imgsearch.cli.native_stderr import real_stderr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

INTERRUPTED: Final = 130
END: Final = b"\0"  # no signal has this number
STOPPING: Final = "finishing the current batch; press Ctrl-C again to abort at once"
ABORTING_SECONDS: Final = 5.0
"""For closing what is open after the second Ctrl-C."""


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
    watcher = _Watcher(state, announce=announce)
    handled = 0

    def handle(_signal: int, _frame: FrameType | None) -> None:
        nonlocal handled
        handled += 1
        state.requested = True
        # While the main thread was in native code, two signals may have become one call.
        if not watcher.aborting and max(handled, watcher.seen) > 1:
            watcher.aborting = True
            raise KeyboardInterrupt

    with watcher.watching():
        previous = signal.signal(signal.SIGINT, handle)
        try:
            yield state
        finally:
            signal.signal(signal.SIGINT, previous)


@contextmanager
def abortable() -> Iterator[None]:
    """Let the first Ctrl-C within the block raise KeyboardInterrupt, the second leave at once."""
    former = signal.getsignal(signal.SIGINT)
    in_main_thread = threading.current_thread() is threading.main_thread()
    # None is a handler that Python does not know.
    if not in_main_thread or former in (signal.SIG_IGN, None):
        yield
        return
    pressed = False

    def handle(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            _abort()
        pressed = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


class _Watcher:
    """The thread that is told of each Ctrl-C at once.

    Attributes:
        seen: how often Ctrl-C was pressed.
        aborting: whether the main thread has been told to abort.
    """

    def __init__(self, state: Interrupts, *, announce: bool) -> None:
        self.seen = 0
        self.aborting = False
        self._state = state
        self._announce = announce

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch while the block runs, where the system can tell a thread of signals."""
        if sys.platform == "win32":  # a pipe does not serve there
            yield
            return
        told, teller = os.pipe()
        os.set_blocking(teller, False)
        former = signal.set_wakeup_fd(teller, warn_on_full_buffer=False)
        thread = threading.Thread(target=self._watch, args=(told,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(former)
            os.write(teller, END)
            thread.join()
            os.close(teller)
            os.close(told)

    def _watch(self, told: int) -> None:
        while True:
            ready, _, _ = select.select([told], [], [], ABORTING_SECONDS if self.seen > 1 else None)
            if not ready:
                _abort()
            for code in os.read(told, 64):
                if code == END[0]:
                    return
                if code == signal.SIGINT:
                    self._pressed()

    def _pressed(self) -> None:
        self.seen += 1
        self._state.requested = True
        if self.seen > 2:  # noqa: PLR2004 - the third
            _abort()
        if self.seen == 1 and self._announce and sys.stderr is not None:
            # Not through sys.stderr: a write to its buffer may be what was interrupted.
            os.write(real_stderr(), f"imgsearch: {STOPPING}\n".encode())


def _abort() -> NoReturn:
    with suppress(OSError):
        os.write(real_stderr(), b"imgsearch: interrupted\n")
    leave_at_once()


def leave_at_once(code: int = INTERRUPTED) -> NoReturn:
    """End the process with an exit code, without the shutdown of the interpreter.

    Native threads that still work while the interpreter frees what they use would crash it.
    """
    if os.isatty(real_stderr()):
        os.write(real_stderr(), b"\x1b[?25h")  # the progress line hides the cursor
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # nobody reads it, or there is none
            stream.flush()
    os._exit(code)
