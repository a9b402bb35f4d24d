"""Runtimes: what executes a backbone. TensorFlow is the reference, an exported graph is fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Runtime(Protocol):
    """Anything that turns preprocessed images into feature maps."""

    @property
    def name(self) -> str:
        """What it is called, such as "tensorflow"."""

    def feature_maps(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the activations of the recipe's layer.

        Args:
            batch: preprocessed images, shape (n, s, s, 3), float32, n >= 1 and free to vary.

        Returns:
            Fresh feature maps, shape (n, h, w, c), float32.
        """
