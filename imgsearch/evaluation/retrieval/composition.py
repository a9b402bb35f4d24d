"""Composition: several embeddings of one image become one.

What is composed may come from several layers, backbones or input sizes. Every part is brought to
length 1 first, so that none outweighs the others only because its activations are larger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.networks.pooling import l2_normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def concatenate(parts: Sequence[NDArray[np.floating[Any]]]) -> NDArray[np.float32]:
    """Concatenate embeddings of the same images, from several layers or backbones.

    y = (x_1 / |x_1|, …, x_m / |x_m|), then to unit length. An inner product of two of these is the
    mean of the parts' own scores. (A part that is all zero has no direction and adds nothing.)

    Args:
        parts: embeddings, shape (n, dim_i) each, of the same n images in the same order.

    Returns:
        Shape (n, Σ dim_i), float32, unit rows.

    Raises:
        UsageError: there is no part, the parts are not of the same images, or a value is not
            finite.
    """
    _check(parts)
    return l2_normalise(np.concatenate([l2_normalise(part) for part in parts], axis=1))


def sum_of_scales(parts: Sequence[NDArray[np.floating[Any]]]) -> NDArray[np.float32]:
    """Add embeddings of the same images at several input sizes.

    y = Σ_i x_i / |x_i|, then to unit length: the mean direction of the scales, as in the
    multi-scale representation of Radenović, Tolias and Chum, "Fine-tuning CNN image retrieval
    with no human annotation" (2018), with an exponent of 1.

    Args:
        parts: embeddings, shape (n, dim) each, of the same n images in the same order.

    Returns:
        Shape (n, dim), float32, unit rows; zero where the parts cancel out.

    Raises:
        UsageError: there is no part, the parts are not of one shape, or a value is not finite.
    """
    _check(parts)
    if len({part.shape for part in parts}) > 1:
        raise UsageError(
            f"parts of shapes {', '.join(str(part.shape) for part in parts)} cannot be added: "
            "expected one recipe at several sizes"
        )
    total = np.zeros(parts[0].shape, dtype=np.float64)
    for part in parts:
        total += l2_normalise(part)
    return l2_normalise(total)


def _check(parts: Sequence[NDArray[np.floating[Any]]]) -> None:
    if not parts:
        raise UsageError("nothing to compose: give at least one part")
    if any(part.ndim != 2 for part in parts) or len({len(part) for part in parts}) > 1:  # noqa: PLR2004
        raise UsageError(
            f"parts of shapes {', '.join(str(part.shape) for part in parts)} are not rows (n, dim) "
            "of the same images"
        )
    if not all(np.isfinite(part).all() for part in parts):
        raise UsageError("parts: some values are not finite")
