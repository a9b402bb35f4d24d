"""Known greetings of the frameworks' C++ sides, kept off the process's stderr."""

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
    """Hold back what libraries write to the process's stderr, and drop the known greetings.

    TensorFlow and LiteRT greet on file descriptor 2, in part before a log level is read, so no
    setting silences them. Whatever is not a known greeting is written out afterwards: a real
    complaint, or a line that another thread wrote meanwhile, is late and not lost.
    """
    try:
        real = os.dup(STDERR_DESCRIPTOR)
    except OSError:
        # There is no stderr at all, as in a windowed program: nothing to hold back.
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
