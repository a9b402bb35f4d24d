"""The bundled backbone, compact: small, fast on a CPU, and without a download.

`docs/compact.md` is its model card.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from imgsearch.errors import UsageError
from imgsearch.networks.backbones.compact import weights
from imgsearch.networks.backbones.compact.architecture import COMPACT

NAME: Final = "compact"
VERSION: Final = 10
INPUT_SIZE: Final = 128
MINIMUM_SIZE: Final = COMPACT.stride
DIM: Final = COMPACT.dim
PARAMETERS: Final = COMPACT.parameters()


def weights_path() -> Path:
    """Return the path of the weights file of this version of imgsearch."""
    return Path(__file__).parent / "data" / f"{NAME}-{VERSION}.npz"


def build(size: int) -> Any:  # noqa: ANN401  Keras has no types
    """Build the network with its weights.

    Args:
        size: side of the square input in pixels, at least 32.

    Returns:
        A Keras model, float32 images (n, size, size, 3) in 0..255, RGB -> feature maps
        (n, h, w, 256) with h = w = size / 32, rounded up. Their global average pooling is the
        embedding.

    Raises:
        UsageError: the size is below 32.
        WeightsUnavailableError: the weights file is missing or damaged.
    """
    if size < MINIMUM_SIZE:
        raise UsageError(
            f"size: {NAME} needs at least {MINIMUM_SIZE} pixels, but {size} was asked for "
            f"(its own size is {INPUT_SIZE})"
        )
    from imgsearch.networks.backbones.compact.network import build_folded

    return build_folded(weights.load(weights_path()), size)
