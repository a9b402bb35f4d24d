"""The reference runtime: TensorFlow, on the CPU or on a GPU."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.networks.backbones.framework import refuse_after_fork

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from imgsearch.recipe import Precision

# They scale pixels, and bfloat16 cannot tell neighbouring ones of the 256 levels apart.
FULL_PRECISION_LAYERS: Final = frozenset({"InputLayer", "Rescaling", "Normalization"})


class TensorFlowRuntime:
    """Runs a Keras model as one compiled TensorFlow function."""

    name = "tensorflow"

    def __init__(self, model: Any, *, precision: Precision = "float32") -> None:  # noqa: ANN401  Keras has no types
        """Trace the model.

        Args:
            model: a Keras model, float32 (n, s, s, 3) -> (n, h, w, c).
            precision: "bfloat16" sets the model to mixed precision (weights and normalisations
                stay in float32) for good; functions that were traced before do not change. If
                neither GPU nor CPU has bfloat16, TensorFlow emulates it, slowly.
        """
        import tensorflow as tf

        # By default, GPUs round float32 to ten bits, and the embeddings would not be the recipe's.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        if precision == "bfloat16":
            _mix_precision(model)
        # The traced function does not keep the model's variables alive.
        self._model = model
        self.function = concrete_function(model)
        self._as_tensor = tf.constant

    def feature_maps(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the activations, shape (n, h, w, c), float32, of a batch (n, s, s, 3).

        Raises:
            ImgsearchError: this process was forked off after TensorFlow was started.
        """
        refuse_after_fork()
        # A copy, because TensorFlow may reuse the tensor's memory.
        return np.array(self.function(self._as_tensor(batch)), dtype=np.float32)


def concrete_function(model: Any) -> Any:  # noqa: ANN401  neither framework has types
    """Return the model as one TensorFlow function, traced for batches of any length."""
    import tensorflow as tf

    function = tf.function(lambda batch: tf.cast(model(batch, training=False), tf.float32))
    given = model.inputs[0]
    return function.get_concrete_function(tf.TensorSpec((None, *given.shape[1:]), given.dtype))


def as_flatbuffer(function: Any) -> bytes:  # noqa: ANN401  TensorFlow has no types
    """Return a concrete function in LiteRT's format, with constants for its variables.

    Raises:
        Exception: of any kind, from the converter, for an operation that it does not support.
    """
    with _without_remarks():
        return _converted(function)


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Hold back that tables of other networks in this process, vocabularies, are not exported."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _converted(function: Any) -> bytes:  # noqa: ANN401  TensorFlow has no types
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    # The converter alone would turn variables of Keras 3 into resources without values, hence NaN.
    frozen = convert_variables_to_constants_v2(function)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], tf.Module())
    return bytes(converter.convert())


def _mix_precision(model: Any) -> None:  # noqa: ANN401  Keras has no types
    import keras

    for layer in model.layers:
        if type(layer).__name__ not in FULL_PRECISION_LAYERS:
            layer.dtype_policy = keras.DTypePolicy("mixed_bfloat16")
