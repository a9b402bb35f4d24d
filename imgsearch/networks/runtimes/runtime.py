"""The protocol of runtimes, and their names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal, Protocol, get_args

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GraphKind = Literal["litert", "openvino"]
RuntimeName = Literal["litert", "openvino", "tensorflow"]
RuntimeChoice = Literal["auto", "quick", "litert", "openvino", "tensorflow"]

# The quickest to start first: LiteRT loads in a fifth of OpenVINO's time.
GRAPH_KINDS: Final[tuple[GraphKind, ...]] = get_args(GraphKind)


class Runtime(Protocol):
    """Turns preprocessed images into feature maps."""

    @property
    def name(self) -> str:
        """Its name, such as "tensorflow"."""

    def feature_maps(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the activations of the recipe's layer.

        Args:
            batch: preprocessed images, shape (n, s, s, 3), float32; n >= 1 may vary between calls.

        Returns:
            Feature maps, shape (n, h, w, c), float32, in memory that is not reused.
        """


def available_threads(threads: int | None) -> int:
    """Return `threads`, or if it is None, the number of usable processors."""
    if threads is not None:
        return threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
