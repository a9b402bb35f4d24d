"""Runtimes: what executes a backbone. TensorFlow is the reference, an exported graph is fast."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal, Protocol, get_args

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GraphKind = Literal["litert", "openvino"]
RuntimeName = Literal["litert", "openvino", "tensorflow"]
RuntimeChoice = Literal["auto", "quick", "litert", "openvino", "tensorflow"]

# The one that starts soonest first: LiteRT is loaded in a fifth of OpenVINO's time.
GRAPH_KINDS: Final[tuple[GraphKind, ...]] = get_args(GraphKind)


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


def available_threads(threads: int | None) -> int:
    """Return the number of threads that was asked for, else one for each usable processor."""
    if threads is not None:
        return threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
