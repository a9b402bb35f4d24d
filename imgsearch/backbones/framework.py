"""The one place that starts TensorFlow and Keras, quietly and with the backend that is needed."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Final

from imgsearch.errors import ImgsearchError

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
)


def load_keras() -> Any:  # noqa: ANN401  the module has no types of its own
    """Return the module `keras`, started on TensorFlow without a word on stderr.

    The first call takes seconds, later ones nothing.

    Raises:
        ImgsearchError: Keras was set to another backend, to channels first, or to another float
            than float32; the message says which setting and how to undo it.
    """
    if "keras" not in sys.modules:
        # Both may be set by whoever starts the program, and then are left alone.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        with _without_start_up_noise():
            import keras
    else:
        import keras
    _check_settings(keras)
    return keras


def limit_threads(threads: int) -> None:
    """Limit TensorFlow's threads, if it has not computed anything in this process yet.

    TensorFlow takes the number once, before its first operation; a later wish has no effect.

    Args:
        threads: threads of one operation, at least 1.
    """
    load_keras()
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)


def _check_settings(keras: Any) -> None:  # noqa: ANN401  the module has no types of its own
    for setting, received, expected in (
        ("backend", keras.config.backend(), "tensorflow"),
        ("image_data_format", keras.config.image_data_format(), "channels_last"),
        ("floatx", keras.config.floatx(), "float32"),
    ):
        if received != expected:
            raise ImgsearchError(
                f"Keras is set to {setting} {received!r}, and imgsearch needs {expected!r}: change "
                "it in keras.json (in KERAS_HOME, else in ~/.keras) or in the environment "
                "(KERAS_BACKEND), and start again"
            )


@contextlib.contextmanager
def _without_start_up_noise() -> Iterator[None]:
    """Hold back what the libraries write to the process's stderr, and drop the known greetings.

    TensorFlow's C++ side greets on file descriptor 2 before its log level is read, so no setting
    silences it. Whatever is not a known greeting is written out afterwards: a real complaint, or
    a line that another thread wrote meanwhile, is late and not lost.
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
