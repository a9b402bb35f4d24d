"""Composition: several embeddings of one picture become one.

What is composed may come from several layers, backbones or input sizes. Every part is brought to
length 1 first, so that none outweighs the others by its activations being larger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.networks.pooling import l2_normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def concatenate(
    parts: Sequence[NDArray[np.floating[Any]]], *, weights: Sequence[float] | None = None
) -> NDArray[np.float32]:
    """Concatenate embeddings of the same pictures, from several layers or backbones.

    y = (w_1 x_1 / |x_1|, …, w_m x_m / |x_m|), then to unit length. An inner product of two of
    these is Σ w_i² s_i / Σ w_i², the mean of the parts' own scores, weighed by w_i². (A part that
    is all zero has no direction and adds nothing.)

    Args:
        parts: embeddings, shape (n, dim_i) each, the same n pictures in the same order.
        weights: w_i, above 0, one for each part; None for 1.

    Returns:
        Shape (n, Σ dim_i), float32, unit rows.

    Raises:
        UsageError: there is no part, the parts are not of the same pictures, a value is not
            finite, or the weights are not as many or not above 0.
    """
    _check(parts)
    weights = [1.0] * len(parts) if weights is None else weights
    if len(weights) != len(parts) or not all(0 < weight < np.inf for weight in weights):
        raise UsageError(
            f"weights: {list(weights)} for {len(parts)} parts; expected as many, finite and above 0"
        )
    return l2_normalise(
        np.concatenate(
            [weight * l2_normalise(part) for weight, part in zip(weights, parts, strict=True)],
            axis=1,
        )
    )


def sum_of_scales(parts: Sequence[NDArray[np.floating[Any]]]) -> NDArray[np.float32]:
    """Add embeddings of the same pictures at several input sizes.

    y = Σ_i x_i / |x_i|, then to unit length: the mean direction of the scales, as in the
    multi-scale representation of Radenović, Tolias and Chum, "Fine-tuning CNN image retrieval
    with no human annotation" (2018), with an exponent of 1.

    Args:
        parts: embeddings, shape (n, dim) each, the same n pictures in the same order.

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
        raise UsageError("nothing to compose: give one part at least")
    if any(part.ndim != 2 for part in parts) or len({len(part) for part in parts}) > 1:  # noqa: PLR2004
        raise UsageError(
            f"parts of shapes {', '.join(str(part.shape) for part in parts)} are not rows (n, dim) "
            "of the same pictures"
        )
    if not all(np.isfinite(part).all() for part in parts):
        raise UsageError("parts: some values are not finite")
