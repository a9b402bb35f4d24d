"""The reference runtime: TensorFlow itself, on the CPU or on a GPU that it sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class TensorFlowRuntime:
    """Runs a Keras model as one compiled TensorFlow function.

    Attributes:
        name: "tensorflow".
    """

    name = "tensorflow"

    def __init__(self, model: Any) -> None:  # noqa: ANN401  Keras has no types
        """Prepare the model.

        Args:
            model: a Keras model, float32 (n, s, s, 3) -> (n, h, w, c).
        """
        import tensorflow as tf

        # The traced function does not keep the model's variables alive.
        self._model = model
        self.function = concrete_function(model)
        self._as_tensor = tf.constant

    def feature_maps(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the activations, shape (n, h, w, c), float32, of a batch (n, s, s, 3)."""
        # The tensor's own memory is not handed out: TensorFlow may use it again.
        return np.array(self.function(self._as_tensor(batch)), dtype=np.float32)


def concrete_function(model: Any) -> Any:  # noqa: ANN401  neither framework has types
    """Return the model as one TensorFlow function of a batch of any length, traced once."""
    import tensorflow as tf

    function = tf.function(lambda batch: model(batch, training=False))
    _, height, width, channels = model.inputs[0].shape
    return function.get_concrete_function(
        tf.TensorSpec((None, height, width, channels), tf.float32)
    )
