"""A fresh Python beside this one that answers requests, and both ends of the way between them.

It is never a fork: the threads of native code would be dead in a fork. Nor is it made by
`multiprocessing`, whose children run the caller's script once more. It runs the same code from the
same places. When this process is gone its requests end, and so does it.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_CODE: Final = "import sys; sys.path[:] = {path!r}; from {module} import serve; serve()"
# What receiving from one that was killed, or crashed, may raise.
GONE: Final = (OSError, EOFError, pickle.UnpicklingError)


def start(module: str) -> subprocess.Popen[bytes]:
    """Start a Python that runs a module's `serve`; do not wait for it.

    Raises:
        OSError: no process can be started here.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        raise OSError("this program has no Python that it could start")
    # One thread of each numeric library: there is one such process for each thread that asks.
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(  # noqa: S603 - this very Python
        [sys.executable, "-c", _CODE.format(path=sys.path, module=module)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **single},
        # Ctrl-C is for the parent alone, which ends the child.
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def send(process: subprocess.Popen[bytes], message: object) -> None:
    """Send a request.

    Raises:
        OSError: the process is gone.
    """
    _send(_open(process.stdin), message)


def receive(process: subprocess.Popen[bytes]) -> object:
    """Wait for an answer.

    Raises:
        OSError: the process is gone.
        EOFError: likewise.
        pickle.UnpicklingError: it went in the middle of an answer.
    """
    return pickle.load(_open(process.stdout))  # noqa: S301 - of the process started above


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, whatever it does."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what is buffered cannot be written any more
                pipe.close()


class Parent:
    """The other end: whoever started this process.

    Attributes:
        nowhere: a descriptor of what is written there is gone.
    """

    def __init__(self, requests: IO[bytes], answers: IO[bytes], nowhere: int) -> None:
        self.nowhere = nowhere
        self._requests = requests
        self._answers = answers

    def send(self, message: object) -> None:
        """Send an answer."""
        _send(self._answers, message)

    def receive(self) -> object:
        """Return the next request; None where there is none any more."""
        try:
            return pickle.load(self._requests)  # noqa: S301 - the parent's
        except EOFError:
            return None


@contextmanager
def parent() -> Iterator[Parent]:
    """Give the way back, which nothing else writes to from then on, and say that this one runs."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    with requests, answers:
        way = Parent(requests, answers, nowhere)
        way.send(None)
        yield way


def _send(pipe: IO[bytes], message: object) -> None:
    pickle.dump(message, pipe, pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 - pipes were asked for
    return pipe
