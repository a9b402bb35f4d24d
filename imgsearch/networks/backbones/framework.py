"""The one place that starts TensorFlow and Keras, quietly and with the backend that is needed."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from imgsearch.errors import ImgsearchError
from imgsearch.networks.framework_noise import without_greetings


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
        with without_greetings():
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
