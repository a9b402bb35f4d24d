"""Keeps known start-up messages of the frameworks' C++ code off the process's stderr."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

STDERR_DESCRIPTOR: Final = 2
NOISE: Final = re.compile(
    rb"All log messages before absl::InitializeLog"
    rb"|oneDNN custom operations are on"
    rb"|Could not find cuda drivers"
    rb"|This TensorFlow binary is optimized"
    rb"|To enable the following instructions"
    rb"|TF-TRT Warning"
    rb"|Unable to register cu[A-Z]+ factory"
    rb"|computation_placer\.cc"
    rb"|Created TensorFlow Lite XNNPACK delegate"
)


@contextlib.contextmanager
def without_greetings() -> Iterator[None]:
    """Hold back what is written to the process's stderr, and drop the known start-up messages.

    TensorFlow and LiteRT write to file descriptor 2, partly before they read a log level, so no
    setting silences them. All other lines are written afterwards: a real error, or a line that
    another thread wrote meanwhile, is delayed but not lost.
    """
    try:
        real = os.dup(STDERR_DESCRIPTOR)
    except OSError:
        # There is no stderr, as in a windowed program.
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), STDERR_DESCRIPTOR)
        try:
            yield
        finally:
            os.dup2(real, STDERR_DESCRIPTOR)
            os.close(real)
            held.seek(0)
            for line in held:
                if not NOISE.search(line):
                    os.write(STDERR_DESCRIPTOR, line)
