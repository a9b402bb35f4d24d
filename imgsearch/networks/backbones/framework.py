"""The one place that starts TensorFlow and Keras: quietly, and with the right settings."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, Final

from imgsearch.errors import ImgsearchError
from imgsearch.forking import call_in_children
from imgsearch.networks.framework_noise import without_greetings

CONTEXT: Final = "tensorflow.python.eager.context"


class _Started:
    """Whether TensorFlow was started in a process that this one was forked off from."""

    in_parent: bool = False


def _note_dead_tensorflow() -> None:
    context = getattr(sys.modules.get(CONTEXT), "_context", None)
    # Before its first operation it has no threads, and the child may start it.
    _Started.in_parent |= getattr(context, "_context_handle", None) is not None


call_in_children(_note_dead_tensorflow)


def refuse_after_fork() -> None:
    """Refuse to run TensorFlow where it would wait for ever for threads that a fork left behind.

    Raises:
        ImgsearchError: it was started in a process that this one was forked off from.
    """
    if _Started.in_parent:
        raise ImgsearchError(
            "TensorFlow was started before this process was forked off, and it cannot run on "
            'this side of a fork: start processes with multiprocessing\'s "spawn" or '
            '"forkserver", or use TensorFlow (--runtime tensorflow, a first preparation, a '
            "custom model) only in the child processes"
        )


def load_keras() -> Any:  # noqa: ANN401  the module has no types of its own
    """Return the module `keras` on TensorFlow, loaded without output on stderr.

    The first call takes seconds.

    Raises:
        ImgsearchError: Keras is set to another backend, to channels first, or to another float
            type than float32, and the message says how to change it; or TensorFlow was started
            before this process was forked off.
    """
    refuse_after_fork()
    if "keras" not in sys.modules:
        # Values that the user has set are kept.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        with without_greetings():
            import keras
    else:
        import keras
    _check_settings(keras)
    return keras


def limit_threads(threads: int) -> None:
    """Limit TensorFlow's threads per operation.

    This has no effect once TensorFlow has run its first operation in this process.

    Args:
        threads: at least 1.
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
                f"Keras is set to {setting} {received!r}, but imgsearch needs {expected!r}: change "
                "it in keras.json (in KERAS_HOME, else in ~/.keras) or in the environment "
                "(KERAS_BACKEND), and start again"
            )
